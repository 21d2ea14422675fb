/**
 * Computes trace contexts: the ids of traces and spans, and the texts `traceparent` of W3C Trace Context. The ids are
 * computed from what a span is about, such as a task. So the nodes of a cluster, a restarted server and the command
 * line compute the same ids without communication. Pure.
 */
import { TRACEPARENT } from "../schemas/traceparent.js";

/** The place of a span in a trace. */
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

/** The members of a task from which the ids of its trace are computed. `created_at` is the text of the API. */
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

/** Returns the context of a span that begins a trace. `name` must differ for each trace. */
export function rootSpan(name: string, hash: HexHash): SpanContext {
  const digits = hash(`koor trace ${name}`);
  return {
    traceId: digits.slice(0, TRACE_ID_DIGITS),
    spanId: digits.slice(TRACE_ID_DIGITS, TRACE_ID_DIGITS + SPAN_ID_DIGITS),
    sampled: true,
  };
}

/** Returns the context of a span in the trace of another span. `name` must differ for each span of the trace. */
export function spanWithin({ traceId, sampled }: SpanContext, name: string, hash: HexHash): SpanContext {
  return { traceId, spanId: hash(`koor span ${traceId} ${name}`).slice(0, SPAN_ID_DIGITS), sampled };
}

/** Returns the context of a task's span. If a task has the id of an earlier, deleted task, their traces differ. */
export function taskSpan({ id, created_at, traceparent = null }: TracedTask, hash: HexHash): SpanContext {
  const name = `task ${id} ${created_at}`;
  const parent = traceparent === null ? undefined : parseTraceparent(traceparent);
  return parent === undefined ? rootSpan(name, hash) : spanWithin(parent, name, hash);
}

/** Returns the context of the span of a task's claim. */
export function claimSpan(task: TracedTask, fence: number, hash: HexHash): SpanContext {
  return spanWithin(taskSpan(task, hash), `claim ${fence}`, hash);
}

/** Returns the context of the span of a lease that belongs to no task. `requested_at` is the text of the API. */
export function leaseSpan(lease: { readonly id: string; readonly requested_at: string }, hash: HexHash): SpanContext {
  return spanWithin(rootSpan(leaseTrace(lease), hash), leaseName(lease), hash);
}

/** Returns the name of the trace of a lease that belongs to no task. */
export function leaseTrace({ id, requested_at }: { readonly id: string; readonly requested_at: string }): string {
  return `lease ${id} ${requested_at}`;
}

/** Returns the name of the span of a lease within its trace. */
export function leaseName({ id }: { readonly id: string }): string {
  return `lease ${id}`;
}
