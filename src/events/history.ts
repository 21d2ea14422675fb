/**
 * Reads of the history: at once on the front where few events are looked at, else in the pool. Used by the endpoint of
 * the history, and by whoever looks for an event behind another. Runs on the front.
 */
import type { EventHistoryRequest } from "../../schemas/events.js";
import { Failure } from "../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import type { Chunks } from "../threads/pool.js";
import { readWhole, type Reads, type WholeText } from "../threads/reads.js";
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
  read(request: EventHistoryRequest, context: CallContext): WholeText<string | null> | Failure | Chunks<string | null> {
    const filtered = ![request.pattern, ...request.or_patterns].some(isAny) || request.source !== null;
    const behind = request.after === null ? Number.POSITIVE_INFINITY : this.#hub.last_id - request.after;
    const rows = Math.min(filtered ? Number.POSITIVE_INFINITY : request.last, behind);
    return this.#reads.stream(eventHistory, request, context, rows);
  }

  /** As `read`, as one text, and where the list goes on that was cut. */
  async readWhole(request: EventHistoryRequest, context: CallContext): Promise<WholeText<string | null> | Failure> {
    return await readWhole(this.read(request, context));
  }

  /** All of it as one text; null where it is longer than so many characters. */
  async readUpTo(
    characters_max: number,
    request: EventHistoryRequest,
    context: CallContext,
  ): Promise<string | Failure | null> {
    const whole = await this.readWhole(request, context);
    if (whole instanceof Failure) return whole;
    return whole.reply !== null || whole.text.length > characters_max ? null : whole.text;
  }
}

/** Whether a pattern matches every topic. */
function isAny(pattern: string): boolean {
  return pattern === "" || pattern === "*";
}
