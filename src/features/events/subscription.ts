/** The parameters of a subscription, and the messages about gaps. All transports use the same ones. Pure. */
import type { DroppedNotice, LaggedNotice } from "../../../schemas/events.js";
import type { Pattern } from "../../platform/topics/pattern.js";
import type { Gap } from "./subscriber-buffer.js";

export interface Subscription {
  readonly pattern: Pattern;
  /** The id of the event after which replay starts; null for no replay. */
  readonly since: number | null;
  /** Whether the subscriber wants a message in place of dropped events. */
  readonly notices: boolean;
}

/** Encodes the message that the subscriber gets instead of dropped events. */
export function encodeGap(gap: Gap): string {
  return JSON.stringify({ type: "dropped", count: gap.count, after_id: gap.after_id } satisfies DroppedNotice);
}

/** Encodes the message that says that the subscriber's cursor is ahead of the newest event. */
export function encodeLag(lastId: number): string {
  return JSON.stringify({ type: "lagged", last_id: lastId } satisfies LaggedNotice);
}
