/** What a subscriber asks for, on whatever transport, and how it is told of a gap. Pure. */
import type { Pattern } from "../topics/pattern.js";
import type { Gap } from "./subscriber-buffer.js";

export interface Subscription {
  readonly pattern: Pattern;
  /** Replay starts after this event; null for none. */
  readonly since: number | null;
  /** Gaps are told in their place. */
  readonly notices: boolean;
}

/** The text that stands for dropped events in the stream. */
export function encodeGap(gap: Gap): string {
  return JSON.stringify({ type: "dropped", count: gap.count, after_id: gap.after_id });
}

/** The text that says that a subscriber knows of events which there are not. */
export function encodeLag(last_id: number): string {
  return JSON.stringify({ type: "lagged", last_id });
}
