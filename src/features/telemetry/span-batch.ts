/** Computes the spans of a batch of events. Runs in the export thread. */
import { reasonOf } from "../../base/reason.js";
import type { SpanRecord } from "./span.js";
import type { SpanComputer } from "./spans.js";

export interface SpanBatch {
  readonly spans: readonly SpanRecord[];
  /** The number of events whose spans could not be computed. */
  readonly skipped: number;
  /** The reason of the last one of them; null if there is none. */
  readonly reason: string | null;
}

/** Skips an event whose spans cannot be computed, so that the spans of the other events are not lost with it. */
export function computeBatch(computer: Pick<SpanComputer, "spansOf">, events: readonly string[]): SpanBatch {
  const spans: SpanRecord[] = [];
  let skipped = 0;
  let reason: string | null = null;
  for (const text of events) {
    try {
      spans.push(...computer.spansOf(text));
    } catch (error) {
      skipped += 1;
      reason = reasonOf(error);
    }
  }
  return { spans, skipped, reason };
}
