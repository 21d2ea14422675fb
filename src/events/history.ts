/**
 * Reads of the history: at once on the front where few events are looked at, else in the pool. Used by the endpoint of
 * the history, and by whoever looks for an event behind another. Runs on the front.
 */
import type { EventHistoryRequest } from "../../schemas/events.js";
import { must } from "../base/assert.js";
import { Failure } from "../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import type { Chunks } from "../threads/pool.js";
import type { Reads } from "../threads/reads.js";
import type { Hub } from "./hub.js";
import { eventHistory } from "./jobs.js";

export class EventHistory {
  readonly #reads: Reads;
  readonly #hub: Hub;

  constructor(reads: Reads, hub: Hub) {
    this.#reads = reads;
    this.#hub = hub;
  }

  /**
   * A JSON array. How many rows it looks at is known only where every row counts: a cursor or a page without filters.
   */
  read(request: EventHistoryRequest, context: CallContext): string | Failure | Chunks {
    const filtered = (request.pattern !== "" && request.pattern !== "*") || request.source !== null;
    const behind = request.after === null ? Number.POSITIVE_INFINITY : this.#hub.last_id - request.after;
    const rows = Math.min(filtered ? Number.POSITIVE_INFINITY : request.last, behind);
    return this.#reads.stream(eventHistory, request, context, rows);
  }

  /** As `read`, as one text. */
  async readWhole(request: EventHistoryRequest, context: CallContext): Promise<string | Failure> {
    const read = await this.readUpTo(Number.POSITIVE_INFINITY, request, context);
    return must(read, "no text is longer than that");
  }

  /** As `readWhole`; null where the text is longer than so many characters. */
  async readUpTo(
    characters_max: number,
    request: EventHistoryRequest,
    context: CallContext,
  ): Promise<string | Failure | null> {
    const answer = this.read(request, context);
    if (answer instanceof Failure) return answer;
    if (typeof answer === "string") return answer.length > characters_max ? null : answer;
    let text = "";
    for await (const chunk of answer) {
      if (chunk instanceof Failure) return chunk;
      if (text.length + chunk.length > characters_max) return null;
      text += chunk;
    }
    return text;
  }
}
