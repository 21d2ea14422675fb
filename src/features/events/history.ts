/**
 * Reads the event history for the history endpoint, and for long polls that look for the next event. Runs on the front,
 * which does only short reads itself. Longer reads run in the worker pool.
 */
import type { EventHistoryRequest } from "../../../schemas/events.js";
import { Failure } from "../../base/result.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Chunks } from "../../platform/threads/pool.js";
import { readWhole, type Reads, type WholeText } from "../../platform/threads/reads.js";
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
   * Reads events as a JSON array. A read runs on the front if it is known to examine only a few rows. This is known
   * only for a read from a cursor, and for a page without filters.
   */
  read(request: EventHistoryRequest, context: CallContext): WholeText<string | null> | Failure | Chunks<string | null> {
    const filtered = ![request.pattern, ...request.or_patterns].some(isAny) || request.source !== null;
    const behind = request.after === null ? Number.POSITIVE_INFINITY : this.#hub.lastId - request.after;
    const rows = Math.min(filtered ? Number.POSITIVE_INFINITY : request.last, behind);
    return this.#reads.stream(eventHistory, request, context, rows);
  }

  /**
   * Reads events like `read`, but returns the whole list as one text. If the list is truncated, the result also has the
   * cursor for the next read.
   */
  async readWhole(request: EventHistoryRequest, context: CallContext): Promise<WholeText<string | null> | Failure> {
    return await readWhole(this.read(request, context));
  }

  /** Reads the whole result as one text. Returns null if it is longer than `charactersMax`. */
  async readUpTo(
    charactersMax: number,
    request: EventHistoryRequest,
    context: CallContext,
  ): Promise<string | Failure | null> {
    const whole = await this.readWhole(request, context);
    if (whole instanceof Failure) return whole;
    return whole.reply !== null || whole.text.length > charactersMax ? null : whole.text;
  }
}

/** Returns true if a pattern matches every topic. */
function isAny(pattern: string): boolean {
  return pattern === "" || pattern === "*";
}
