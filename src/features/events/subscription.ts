/**
 * Defines the parameters of a subscription, and encodes the messages about gaps, in the same way for all transports.
 * Pure.
 */
import type { DroppedNotice, LaggedNotice } from "../../../schemas/events.js";
import type { Pattern } from "../../platform/topics/pattern.js";
import type { Gap } from "./subscriber-buffer.js";

export interface Subscription {
  readonly pattern: Pattern;
  /** The id of the event after which replay starts; null for no replay. */
  readonly since: number | null;
  /** True if the subscriber wants a message in place of dropped events. */
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
