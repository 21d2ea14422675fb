/** Limits of the export over OpenTelemetry (docs/opentelemetry.md). */
import { KIB, MIB } from "./units.js";

/** The maximum number of events that wait to be exported as spans. Further events are dropped. */
export const TELEMETRY_EVENTS_MAX = 2048;
/** The maximum number of characters of the events that wait to be exported as spans. */
export const TELEMETRY_EVENTS_CHARACTERS_MAX = 1 * MIB;
/** The maximum number of events that become spans together, and are exported in one request. */
export const TELEMETRY_BATCH_EVENTS_MAX = 512;
/** The time for which events are collected before they are exported, in ms. */
export const TELEMETRY_DELAY_MS = 1_000;
/** The time between two exports of metrics, in ms, unless OTEL_METRIC_EXPORT_INTERVAL sets another one. */
export const TELEMETRY_METRICS_INTERVAL_MS = 60_000;
/** The timeout of an export, in ms, unless OTEL_EXPORTER_OTLP_TIMEOUT sets another one. */
export const TELEMETRY_TIMEOUT_MS = 10_000;
/** The time that a shutdown waits for the last spans, in ms. */
export const TELEMETRY_CLOSE_MS = 2_000;
/** If the thread that exports has died, it is started again after this delay, in ms. */
export const TELEMETRY_RESTART_MS = 10_000;
/** The exporter remembers the tasks of at most this many leases, until the leases end. */
export const TELEMETRY_LEASES_MAX = 4096;
/** The maximum length of a text in an attribute of a span, in characters. */
export const TELEMETRY_TEXT_CHARACTERS_MAX = 1 * KIB;
/** The maximum number of texts in an attribute that is a list. */
export const TELEMETRY_LIST_MAX = 32;
/** The maximum heap size of the thread that exports, in MiB. */
export const TELEMETRY_HEAP_MIB_MAX = 128;
