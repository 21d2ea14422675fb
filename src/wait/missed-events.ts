/**
 * What a condition may have missed between two calls, where it looks the same as before but was another meanwhile:
 * found among the events, which outlive a restart. Runs on the front.
 */
import { WAIT_MISSED_CHARACTERS_MAX, WAIT_MISSED_EVENTS_MAX } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import { TimeSlice } from "../base/time-slice.js";
import { SERVER } from "../claims/lease-events.js";
import type { EventHistory } from "../events/history.js";
import type { Hub } from "../events/hub.js";
import type { EventReader } from "../events/table.js";
import { LIVENESS_SOURCE, TOPIC_STALE } from "../instances/commands.js";
import type { CallContext } from "../rpc/frames.js";

/**
 * The data of an event. Anybody may publish any, under any topic and in anybody's name: each member is to be checked
 * for what it is.
 */
export type EventData = Readonly<Record<string, unknown>>;

/** Events of the server's own; others of their topic count for nothing. */
export interface OwnEvents {
  readonly topic: string;
  readonly source: string;
}

export const GRANTED: OwnEvents = { topic: "lease.granted", source: SERVER };
export const STALE: OwnEvents = { topic: TOPIC_STALE, source: LIVENESS_SOURCE };

export interface MissedEventsOptions {
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly stored: EventReader;
}

export class MissedEvents {
  readonly #options: MissedEventsOptions;
  readonly #slice = new TimeSlice();

  constructor(options: MissedEventsOptions) {
    this.#options = options;
  }

  /** The newest event that was told of: what the front knows besides is not older. */
  get now(): number {
    return this.#options.hub.acceptedId;
  }

  /** Whether one of these events behind `after` concerns the condition; true where that cannot be known any more. */
  async happened(
    { topic, source }: OwnEvents,
    after: number,
    concerns: (data: EventData) => boolean,
    context: CallContext,
  ): Promise<boolean | Failure> {
    const { history, stored } = this.#options;
    if (this.now <= after) return false;
    if (after + 1 < stored.first_id) return true;
    const last = WAIT_MISSED_EVENTS_MAX;
    const request = { pattern: topic, or_patterns: [], after, before: null, from: null, to: null, source, last };
    const read = await history.readUpTo(WAIT_MISSED_CHARACTERS_MAX, request, context);
    if (read instanceof Failure) return read;
    // That is more than the server says in as many events.
    if (read === null) return true;
    const events = JSON.parse(read) as readonly { readonly data: unknown }[];
    if (events.length === last) return true;
    for (const { data } of events) {
      if (this.#slice.isOver) await this.#slice.yieldIfOver();
      if (isObject(data) && concerns(data)) return true;
    }
    return false;
  }
}

function isObject(data: unknown): data is EventData {
  return typeof data === "object" && data !== null;
}
