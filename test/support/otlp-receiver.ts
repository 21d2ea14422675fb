/** An OpenTelemetry collector on loopback. It accepts OTLP/HTTP in JSON, and returns the received spans and metrics. */
import type { Owner } from "./owner.js";
import { type Behaviour, type Receiver, startReceiver } from "./receiver.js";

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code: number; readonly message?: string };
}

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The message of a failed span; null if the span has not failed. */
  readonly error: string | null;
}

/** A received metric, with the points of its kind. */
export interface ReceivedMetric {
  readonly name: string;
  readonly description: string;
  readonly gauge?: { readonly dataPoints: readonly object[] };
  readonly sum?: {
    readonly isMonotonic: boolean;
    readonly aggregationTemporality: number;
    readonly dataPoints: readonly object[];
  };
  readonly histogram?: { readonly aggregationTemporality: number; readonly dataPoints: readonly object[] };
}

interface Scoped {
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly scopeSpans?: readonly { readonly spans: readonly WireSpan[] }[];
  readonly scopeMetrics?: readonly { readonly metrics: readonly ReceivedMetric[] }[];
}

interface WireBody {
  readonly resourceSpans?: readonly Scoped[];
  readonly resourceMetrics?: readonly Scoped[];
}

const STATUS_ERROR = 2;
const NS_PER_MS = 1_000_000n;

function valueOf({ stringValue, intValue, doubleValue, boolValue, arrayValue }: AnyValue): unknown {
  if (arrayValue !== undefined) return arrayValue.values.map(valueOf);
  if (intValue !== undefined) return Number(intValue);
  return stringValue ?? doubleValue ?? boolValue;
}

export function attributesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function msOf(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / NS_PER_MS);
}

function spanOf(span: WireSpan): ReceivedSpan {
  const { name, traceId, spanId, parentSpanId, kind, attributes, status } = span;
  return {
    name,
    traceId,
    spanId,
    parentSpanId: parentSpanId === undefined || parentSpanId === "" ? null : parentSpanId,
    kind,
    startMs: msOf(span.startTimeUnixNano),
    endMs: msOf(span.endTimeUnixNano),
    attributes: attributesOf(attributes),
    error: status.code === STATUS_ERROR ? (status.message ?? "") : null,
  };
}

export class OtlpReceiver {
  constructor(readonly receiver: Receiver) {}

  get url(): string {
    return this.receiver.url;
  }

  /** Returns the resources in all requests to a path. */
  resources(path: string): Record<string, unknown>[] {
    return this.#bodies(path).flatMap(({ resourceSpans = [], resourceMetrics = [] }) =>
      [...resourceSpans, ...resourceMetrics].map(({ resource }) => attributesOf(resource.attributes)),
    );
  }

  /** Returns the received spans in their order. If a name is given, returns only the spans with this name. */
  spans(name?: string): ReceivedSpan[] {
    return this.#bodies("/v1/traces")
      .flatMap(({ resourceSpans = [] }) => resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans))
      .flatMap(({ spans }) => spans.map(spanOf))
      .filter((span) => name === undefined || span.name === name);
  }

  /** Returns the metrics of the last request that had any, by name. */
  metrics(): ReadonlyMap<string, ReceivedMetric> {
    const last = this.#bodies("/v1/metrics").at(-1)?.resourceMetrics ?? [];
    const all = last.flatMap(({ scopeMetrics = [] }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return new Map(all.map((metric) => [metric.name, metric]));
  }

  /** Resolves when `count` spans with this name have been received. */
  async untilSpans(name: string, count = 1): Promise<ReceivedSpan[]> {
    await this.receiver.until(() => this.spans(name).length >= count);
    return this.spans(name);
  }

  #bodies(path: string): WireBody[] {
    return this.receiver.requests
      .filter((request) => request.path === path)
      .map(({ body }) => JSON.parse(body) as WireBody);
  }
}

export async function startOtlpReceiver(t: Owner, behave?: Behaviour): Promise<OtlpReceiver> {
  return new OtlpReceiver(await startReceiver(t, behave));
}
