/** The parameters of a subscription, which are the same on each transport, and the messages about gaps. Pure. */
import type { Pattern } from "../topics/pattern.js";
import type { Gap } from "./subscriber-buffer.js";

export interface Subscription {
  readonly pattern: Pattern;
  /** The id of the event after which replay starts; null for no replay. */
  readonly since: number | null;
  /** True if the subscriber wants a message in the place of each gap. */
  readonly notices: boolean;
}

/** Encodes the message that replaces dropped events in the stream. */
export function encodeGap(gap: Gap): string {
  return JSON.stringify({ type: "dropped", count: gap.count, after_id: gap.after_id });
}

/** Encodes the message that says that the subscriber's cursor is ahead of the newest event. */
export function encodeLag(last_id: number): string {
  return JSON.stringify({ type: "lagged", last_id });
}
