/**
 * Computes trace contexts: the ids of traces and spans, and the texts `traceparent` of W3C Trace Context. An id is the
 * hash of a name, such as a task's id with its creation time. So the nodes of a cluster, a restarted server and the
 * command line compute the same ids without communication. Pure.
 */
import { TRACEPARENT } from "../schemas/traceparent.js";

/** The position of a span: its trace and its id. */
export interface SpanContext {
  /** The id of the trace: 32 lower-case hex digits. */
  readonly traceId: string;
  /** The id of the span: 16 lower-case hex digits. */
  readonly spanId: string;
  /** False if the client that began the trace does not record it. */
  readonly sampled: boolean;
}

/** A function that returns the SHA-256 of a text in lower-case hex. */
export type HexHash = (text: string) => string;

/** The members of a task that determine the ids of its trace. `created_at` is the text of the API. */
export interface TracedTask {
  readonly id: string;
  readonly created_at: string;
  readonly traceparent?: string | null;
}

const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/** Parses a traceparent. Returns its context; undefined if the text is not a traceparent. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: Number.parseInt(flags, 16) % 2 === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** Returns the context of the first span of a new trace. Each trace must have a different `name`. */
export function rootSpan(name: string, hash: HexHash): SpanContext {
  const digits = hash(`koor trace ${name}`);
  return {
    traceId: digits.slice(0, TRACE_ID_DIGITS),
    spanId: digits.slice(TRACE_ID_DIGITS, TRACE_ID_DIGITS + SPAN_ID_DIGITS),
    sampled: true,
  };
}

/**
 * Returns the context of a further span in the trace of another span. Each span of a trace must have a different
 * `name`.
 */
export function spanWithin({ traceId, sampled }: SpanContext, name: string, hash: HexHash): SpanContext {
  return { traceId, spanId: hash(`koor span ${traceId} ${name}`).slice(0, SPAN_ID_DIGITS), sampled };
}

/**
 * Returns the context of a task's span. Its ids depend on `created_at`, so a new task with the id of a deleted one gets
 * another span.
 */
export function taskSpan({ id, created_at, traceparent = null }: TracedTask, hash: HexHash): SpanContext {
  const name = `task ${id} ${created_at}`;
  const parent = traceparent === null ? undefined : parseTraceparent(traceparent);
  return parent === undefined ? rootSpan(name, hash) : spanWithin(parent, name, hash);
}

/** Returns the span context of a task's claim. */
export function claimSpan(task: TracedTask, fence: number, hash: HexHash): SpanContext {
  return spanWithin(taskSpan(task, hash), `claim ${fence}`, hash);
}

/** Returns the span context of a lease that belongs to no task. `requested_at` is the text of the API. */
export function leaseSpan(lease: { readonly id: string; readonly requested_at: string }, hash: HexHash): SpanContext {
  return spanWithin(rootSpan(leaseTrace(lease), hash), leaseName(lease), hash);
}

/** Returns the name from which the trace of a lease is computed. The lease belongs to no task. */
export function leaseTrace({ id, requested_at }: { readonly id: string; readonly requested_at: string }): string {
  return `lease ${id} ${requested_at}`;
}

/** Returns the name from which a lease's span is computed. */
export function leaseName({ id }: { readonly id: string }): string {
  return `lease ${id}`;
}
