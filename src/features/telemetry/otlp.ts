/**
 * Exports spans and metrics over OTLP/HTTP with the libraries of OpenTelemetry. Only this file imports the libraries,
 * and only the export thread loads this file. The operator configures the exporters by the standard variables
 * OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TIMEOUT and OTEL_EXPORTER_OTLP_COMPRESSION. OTEL_RESOURCE_ATTRIBUTES
 * and OTEL_SERVICE_NAME configure the resource.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  ValueType,
  type Attributes,
} from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type DataPoint, type MetricData } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  type IdGenerator,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import type { SpanContext } from "../../../shared/trace-context.js";
import type { Figure, Labels } from "./figures.js";
import { exportTimeoutMs, RequestLimit } from "./request-limit.js";
import type { SpanRecord } from "./span.js";

/** The result that an exporter passes to its callback. */
interface ExportResult {
  readonly code: number;
  readonly error?: Error;
}

const SCOPE = "koor";
const MS_PER_SECOND = 1000;
const NS_PER_MS = 1_000_000;

type HrTime = [seconds: number, nanoseconds: number];

/**
 * Converts a time to the form of the library. A negative time becomes 0, because a collector rejects all spans of a
 * request if one has a negative time. Such times can occur, because agents report how long a command took. The library
 * takes a small number for the time since the start of the process. So it always gets a pair of seconds and
 * nanoseconds.
 */
function hrTime(givenMs: number): HrTime {
  const ms = Math.max(0, givenMs);
  return [Math.floor(ms / MS_PER_SECOND), Math.round((ms % MS_PER_SECOND) * NS_PER_MS)];
}

/** An IdGenerator of OpenTelemetry. It returns the ids in `next` instead of random ones. */
class GivenIds implements IdGenerator {
  next: SpanContext = { traceId: "", spanId: "", sampled: true };

  generateTraceId(): string {
    return this.next.traceId;
  }

  generateSpanId(): string {
    return this.next.spanId;
  }
}

/** Returns the reason why an export failed; null if it succeeded. */
function exported(run: (done: (result: ExportResult) => void) => void): Promise<string | null> {
  return new Promise((resolve) => {
    run(({ code, error }) => resolve(code === 0 ? null : (error?.message ?? "the collector refused it")));
  });
}

/** Returns the settings of an exporter by which its requests keep a limit. */
function requestsOf(limit: RequestLimit) {
  return { timeoutMillis: limit.timeoutMs, httpAgentOptions: (protocol: string) => limit.agent(protocol) };
}

export interface OtlpOptions {
  /** The address of the collector. The path for spans or for metrics is added to it. */
  readonly url: string;
  readonly instance: string;
  readonly version: string;
}

export class OtlpClient {
  readonly #ids = new GivenIds();
  readonly #ended: ReadableSpan[] = [];
  readonly #provider: BasicTracerProvider;
  readonly #resource: Resource;
  readonly #spans: OTLPTraceExporter;
  readonly #metrics: OTLPMetricExporter;
  readonly #spansLimit = new RequestLimit(exportTimeoutMs("TRACES", process.env));
  readonly #metricsLimit = new RequestLimit(exportTimeoutMs("METRICS", process.env));
  readonly #version: string;

  constructor({ url, instance, version }: OtlpOptions) {
    const base = url.replace(/\/+$/, "");
    const own = { "service.name": "koor", "service.version": version, "service.instance.id": instance };
    // Attributes that the operator sets in the environment override these.
    this.#resource = resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }));
    this.#version = version;
    this.#provider = new BasicTracerProvider({
      resource: this.#resource,
      idGenerator: this.#ids,
      // Record every span. A span's children are computed before it and may already be exported, so it is too late to
      // drop the span.
      sampler: new AlwaysOnSampler(),
      spanProcessors: [
        {
          onStart: () => undefined,
          onEnd: (span) => void this.#ended.push(span),
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      ],
    });
    this.#spans = new OTLPTraceExporter({ url: `${base}/v1/traces`, ...requestsOf(this.#spansLimit) });
    this.#metrics = new OTLPMetricExporter({
      url: `${base}/v1/metrics`,
      ...requestsOf(this.#metricsLimit),
      temporalityPreference: AggregationTemporality.CUMULATIVE,
    });
  }

  /** Exports spans in one request. Returns the reason if that failed; otherwise null. */
  async exportSpans(records: readonly SpanRecord[]): Promise<string | null> {
    for (const record of records) this.#add(record);
    const spans = this.#ended.splice(0);
    return await this.#spansLimit.during(() => exported((done) => this.#spans.export(spans, done)));
  }

  /**
   * Exports metrics in one request. Returns the reason if that failed; otherwise null.
   * @param startMs the time from which the counters count
   */
  async exportMetrics(figures: readonly Figure[], startMs: number, atMs: number): Promise<string | null> {
    const times = { startTime: hrTime(startMs), endTime: hrTime(atMs) };
    const scope = { name: SCOPE, version: this.#version };
    const scopeMetrics = [{ scope, metrics: figures.map((figure) => metricOf(figure, times)) }];
    const metrics = { resource: this.#resource, scopeMetrics };
    return await this.#metricsLimit.during(() => exported((done) => this.#metrics.export(metrics, done)));
  }

  #add({ name, context, parent, startMs, endMs, attributes, error }: SpanRecord): void {
    this.#ids.next = context;
    const above =
      parent === null
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          });
    const kind = name === "message" ? SpanKind.PRODUCER : SpanKind.INTERNAL;
    const span = this.#provider
      .getTracer(SCOPE, this.#version)
      .startSpan(name, { kind, startTime: hrTime(startMs), attributes: attributesOf(attributes) }, above);
    if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(hrTime(endMs));
  }
}

function attributesOf(attributes: SpanRecord["attributes"]): Attributes {
  const given: Attributes = {};
  for (const [name, value] of Object.entries(attributes))
    if (value !== null) given[name] = typeof value === "object" ? [...value] : value;
  return given;
}

type Times = Pick<DataPoint<number>, "startTime" | "endTime">;

function metricOf({ name, help, type, points, histograms }: Figure, times: Times): MetricData {
  const descriptor = { name, description: help, unit: "", valueType: ValueType.DOUBLE };
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  if (type === "histogram") {
    const dataPoints = histograms.map(({ labels, bounds, counts, sum, count }) => ({
      ...times,
      attributes: labelsOf(labels),
      value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count },
    }));
    return { descriptor, aggregationTemporality, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = points.map(({ labels, value }) => ({ ...times, attributes: labelsOf(labels), value }));
  return type === "counter"
    ? { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
}

function labelsOf(labels: Labels): Attributes {
  return { ...labels };
}
