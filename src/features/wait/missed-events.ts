/**
 * Finds changes that a client has missed, because a state changed and changed back between two calls. The search reads
 * the stored events, so it also works after a restart. Runs on the front.
 */
import { WAIT_MISSED_CHARACTERS_MAX, WAIT_MISSED_EVENTS_MAX } from "../../../schemas/limits/wait.js";
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { SERVER } from "../claims/lease-events.js";
import type { EventHistory } from "../events/history.js";
import type { Hub } from "../events/hub.js";
import type { EventReader } from "../events/table.js";
import { LIVENESS_SOURCE, TOPIC_STALE } from "../instances/commands.js";
import type { CallContext } from "../../platform/rpc/frames.js";

/**
 * The data of an event. Its members must be checked, because any client may publish an event with any topic, data and
 * source.
 */
export type EventData = Readonly<Record<string, unknown>>;

/** Selects events that the server publishes itself, by their topic and source. */
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

  /**
   * The id of the newest event that the writer has reported. The front's other state is at least as recent as this
   * event.
   */
  get now(): number {
    return this.#options.hub.acceptedId;
  }

  /**
   * Returns whether `concerns` is true for any of these events with an id above `after`. Also returns true if this is
   * unknown, because events were pruned or there are too many.
   */
  async happened(
    { topic, source }: OwnEvents,
    after: number,
    concerns: (data: EventData) => boolean,
    context: CallContext,
  ): Promise<boolean | Failure> {
    const { history, stored } = this.#options;
    if (this.now <= after) return false;
    if (after + 1 < stored.firstId) return true;
    const last = WAIT_MISSED_EVENTS_MAX;
    const request = { pattern: topic, or_patterns: [], after, before: null, from: null, to: null, source, last };
    const read = await history.readUpTo(WAIT_MISSED_CHARACTERS_MAX, request, context);
    if (read instanceof Failure) return read;
    // The events are too long to be searched. Clients must have published some of them, because the server's own events
    // are shorter.
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
