/** Defines a span as the code that computes spans returns it. The library of OpenTelemetry gets it in otlp.ts. Pure. */
import type { SpanContext } from "../../../shared/trace-context.js";

export type SpanAttribute = string | number | boolean | readonly string[];

export interface SpanRecord {
  readonly name: "task" | "claim" | "wait" | "lease" | "edit" | "check" | "message";
  readonly context: SpanContext;
  /** The context of the parent; null if the span begins a trace. */
  readonly parent: SpanContext | null;
  /** Times in ms since the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** Attributes whose value is null are left out. */
  readonly attributes: Readonly<Record<string, SpanAttribute | null>>;
  /** Why the operation failed; null if it did not. */
  readonly error: string | null;
}
