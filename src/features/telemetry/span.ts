/** Defines the spans that spans.ts computes. otlp.ts converts them for the library of OpenTelemetry. Pure. */
import type { SpanContext } from "../../../shared/trace-context.js";

export type SpanAttribute = string | number | boolean | readonly string[];

export interface SpanRecord {
  readonly name: "task" | "claim" | "wait" | "lease" | "edit" | "check" | "message";
  readonly context: SpanContext;
  /** The context of the parent; null if the span begins a trace. */
  readonly parent: SpanContext | null;
  /** The times at which the span starts and ends, in ms since the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** The attributes of the span. An attribute whose value is null is not exported. */
  readonly attributes: Readonly<Record<string, SpanAttribute | null>>;
  /** The reason why the operation failed; null if it succeeded. */
  readonly error: string | null;
}
