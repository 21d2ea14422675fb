/** Creates the export over OpenTelemetry, if the settings name a collector. */
import { TELEMETRY_METRICS_INTERVAL_MS } from "../../schemas/limits/telemetry.js";
import { VERSION } from "../../schemas/version.js";
import type { BackgroundTask } from "../platform/background/task.js";
import type { Measured } from "../platform/measure/exposition.js";
import type { ServerPushHandlers, Ground } from "./ground.js";
import { nodeName } from "../cluster/node-name.js";
import { startExportThread, TelemetryExporter } from "../features/telemetry/exporter.js";
import { traceReader } from "../features/telemetry/table.js";
import { readFigures } from "../features/telemetry/figures.js";
import type { TelemetryThreadData } from "../features/telemetry/messages.js";

export interface TelemetryArea {
  readonly background: readonly (BackgroundTask & Measured)[];
  readonly onEvents: ServerPushHandlers["events"];
}

export interface TelemetryUses {
  readonly leads: () => boolean;
  /** Returns all components with metrics. */
  readonly measured: () => readonly Measured[];
  /** The script of the thread that exports spans and metrics. */
  readonly script: URL;
  /** The absolute path of the data directory. */
  readonly dataDir: string;
  /** The server's time at its start, in ms since the Unix epoch. */
  readonly startedMs: number;
}

/** The area without an export, for settings that name no collector. It has no tasks and examines no events. */
const OFF: TelemetryArea = { background: [], onEvents: () => undefined };

export function makeTelemetry(
  ground: Ground,
  { leads, measured, script, dataDir, startedMs }: TelemetryUses,
): TelemetryArea {
  const { config, guarded, log, nowMs, threads } = ground;
  const { otlp, node_id, state_history, state_events, event_history } = config;
  if (otlp === "") return OFF;
  const data: TelemetryThreadData = {
    data_dir: dataDir,
    settings: { state_history, state_events, event_history, guarded },
    url: otlp,
    instance: nodeName(node_id),
    version: VERSION,
    startedMs,
  };
  const live = threads.reads.model(traceReader);
  const exporter = new TelemetryExporter({
    start: (listener) => startExportThread(script, data, listener),
    leads,
    liveClaims: () => live.liveClaims(),
    figures: () => readFigures(measured()),
    metricsIntervalMs: metricsIntervalMs(process.env["OTEL_METRIC_EXPORT_INTERVAL"]),
    nowMs,
    log,
  });
  return { background: [exporter], onEvents: (events) => exporter.take(events) };
}

/** Reads the standard variable for the interval of exports, in ms. */
function metricsIntervalMs(text: string | undefined): number {
  const given = Number(text ?? "");
  return Number.isSafeInteger(given) && given > 0 ? given : TELEMETRY_METRICS_INTERVAL_MS;
}
