/**
 * What a condition may have missed between two calls, where it looks the same as before but was another meanwhile:
 * found among the events, which outlive a restart. Runs on the front.
 */
import { WAIT_MISSED_EVENTS_MAX } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import type { EventHistory } from "../events/history.js";
import type { Hub } from "../events/hub.js";
import type { EventReader } from "../events/table.js";
import type { CallContext } from "../rpc/frames.js";

/** The data of an event; anybody may publish any. */
export type EventData = Readonly<Record<string, unknown>>;

export interface LookingBackOptions {
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly stored: EventReader;
}

export class LookingBack {
  readonly #options: LookingBackOptions;

  constructor(options: LookingBackOptions) {
    this.#options = options;
  }

  /** The newest event that was told of: what the front knows besides is not older. */
  get now(): number {
    return this.#options.hub.told_id;
  }

  /** Whether an event of a topic behind `after` concerns the condition; true where that cannot be known any more. */
  async happened(
    topic: string,
    after: number,
    concerns: (data: EventData) => boolean,
    context: CallContext,
  ): Promise<boolean | Failure> {
    const { history, stored } = this.#options;
    if (this.now <= after) return false;
    if (after + 1 < stored.first_id) return true;
    const last = WAIT_MISSED_EVENTS_MAX;
    const read = await history.readWhole({ pattern: topic, after, from: null, to: null, source: null, last }, context);
    if (read instanceof Failure) return read;
    const events = JSON.parse(read) as readonly { readonly data: unknown }[];
    return events.length === last || events.some(({ data }) => isObject(data) && concerns(data));
  }
}

function isObject(data: unknown): data is EventData {
  return typeof data === "object" && data !== null;
}
