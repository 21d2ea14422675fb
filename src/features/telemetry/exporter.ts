/**
 * Sends data to the thread that exports spans and metrics. The events from which the thread computes spans wait in a
 * bounded queue. When the thread has answered a request, it gets the next events. If the collector is slow or down, the
 * queue fills, and further events are dropped and counted. Runs on the front, as a background task. It is created only
 * with --otlp.
 */
import { Worker } from "node:worker_threads";
import type { CommittedEvents } from "../../../schemas/events.js";
import {
  TELEMETRY_BATCH_EVENTS_MAX,
  TELEMETRY_CLOSE_MS,
  TELEMETRY_DELAY_MS,
  TELEMETRY_EVENTS_CHARACTERS_MAX,
  TELEMETRY_EVENTS_MAX,
  TELEMETRY_HEAP_MIB_MAX,
  TELEMETRY_RESTART_MS,
} from "../../../schemas/limits/telemetry.js";
import type { Log } from "../../base/log.js";
import { reasonOf } from "../../base/reason.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Exposition } from "../../platform/measure/exposition.js";
import type { Figure } from "./figures.js";
import type { TelemetryReply, TelemetryRequest, TelemetryThreadData } from "./messages.js";
import type { LiveTaskClaim } from "./table.js";
import { TRACED_TOPICS } from "./traced-topics.js";

/** The functions of the export thread that the exporter uses. */
export interface ExportThread {
  send(request: TelemetryRequest): void;
  end(): Promise<void>;
}

export interface ThreadListener {
  onReply(reply: TelemetryReply): void;
  onEnd(reason: string): void;
}

export interface TelemetryExporterOptions {
  readonly start: (listener: ThreadListener) => ExportThread;
  /** Returns whether this node exports spans. In a cluster, only one node does. */
  readonly leads: () => boolean;
  /** Reads the live claims of tasks. */
  readonly liveClaims: () => readonly LiveTaskClaim[];
  /** Reads the current metrics. */
  readonly figures: () => readonly Figure[];
  readonly metricsIntervalMs: number;
  readonly nowMs: number;
  readonly log: Log;
}

type Kind = TelemetryRequest["kind"];

const KINDS: readonly Kind[] = ["spans", "metrics"];
const TRACED: ReadonlySet<string> = new Set(TRACED_TOPICS);

/** Starts the thread that exports spans and metrics. */
export function startExportThread(url: URL, data: TelemetryThreadData, listener: ThreadListener): ExportThread {
  const worker = new Worker(url, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: TELEMETRY_HEAP_MIB_MAX },
  });
  worker.on("message", (reply: TelemetryReply) => listener.onReply(reply));
  worker.on("error", (error: unknown) => listener.onEnd(reasonOf(error)));
  worker.on("exit", () => listener.onEnd("it ended"));
  return {
    send: (request) => worker.postMessage(request),
    end: async () => {
      worker.removeAllListeners("exit");
      await worker.terminate();
    },
  };
}

export class TelemetryExporter implements BackgroundTask {
  readonly #options: TelemetryExporterOptions;
  #thread: ExportThread | null = null;
  #events: string[] = [];
  #characters = 0;
  /** The arrival time in ms of the oldest event in the queue. Null if the queue is empty, or until the next tick. */
  #sinceMs: number | null = null;
  /** The live claims that the thread must get before the next events. Null if the thread knows them already. */
  #claims: readonly LiveTaskClaim[] | null;
  /** True if events were missed, so that the live claims must be read again. */
  #anew = false;
  #metricsDueMs: number;
  #startDueMs = 0;
  /** The kinds of requests that the thread has not answered yet. */
  readonly #busy = new Set<Kind>();
  /** The number of events in the request that the thread has not answered yet. */
  #sent = 0;
  #dropped = 0;
  #failing: string | null = null;
  #closed = false;
  #onIdle: (() => void) | null = null;
  readonly #exported = { spans: 0, metrics: 0 };
  readonly #failed = { spans: 0, metrics: 0 };

  constructor(options: TelemetryExporterOptions) {
    this.#options = options;
    this.#claims = options.liveClaims();
    this.#metricsDueMs = options.nowMs + options.metricsIntervalMs;
  }

  /** Takes the events of a commit. */
  take({ topics, texts }: CommittedEvents): void {
    if (!this.#options.leads()) {
      this.#anew = true;
      return;
    }
    if (this.#anew) this.#claims = this.#options.liveClaims();
    this.#anew = false;
    for (const [at, topic] of topics.entries()) {
      if (!TRACED.has(topic)) continue;
      const text = texts[at] ?? "";
      const isFull = this.#events.length >= TELEMETRY_EVENTS_MAX;
      if (isFull || this.#characters + text.length > TELEMETRY_EVENTS_CHARACTERS_MAX) {
        this.#dropped += 1;
        continue;
      }
      this.#events.push(text);
      this.#characters += text.length;
    }
  }

  tick(nowMs: number): void {
    if (this.#closed) return;
    if (this.#events.length > 0) this.#sinceMs ??= nowMs;
    const isDue = this.#sinceMs !== null && nowMs - this.#sinceMs >= TELEMETRY_DELAY_MS;
    if (isDue || this.#events.length >= TELEMETRY_BATCH_EVENTS_MAX) this.#exportSpans(nowMs);
    if (nowMs < this.#metricsDueMs || this.#busy.has("metrics")) return;
    this.#metricsDueMs = nowMs + this.#options.metricsIntervalMs;
    this.#send({ kind: "metrics", figures: this.#options.figures(), atMs: nowMs }, nowMs);
  }

  /** Exports the remaining events for at most TELEMETRY_CLOSE_MS, and then ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    const untilMs = performance.now() + TELEMETRY_CLOSE_MS;
    while (this.#busy.has("spans") || this.#events.length > 0) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) break;
      // Stop if the thread does not run and cannot be started.
      if (!this.#busy.has("spans") && !this.#exportSpans(Number.MAX_SAFE_INTEGER)) break;
      await this.#idle(leftMs);
    }
    this.#dropped += this.#events.length;
    const thread = this.#thread;
    this.#thread = null;
    await thread?.end();
  }

  expose(out: Exposition): void {
    const kinds = (name: string, values: Readonly<Record<Kind, number>>): void => {
      for (const kind of KINDS) out.sample(name, values[kind], { kind });
    };
    out.metric("koor_otlp_exported_total", "counter", "Spans and metrics that the collector has accepted.");
    kinds("koor_otlp_exported_total", this.#exported);
    out.metric("koor_otlp_failed_total", "counter", "Spans and metrics that the collector has not accepted.");
    kinds("koor_otlp_failed_total", this.#failed);
    out.value(
      "koor_otlp_dropped_total",
      "counter",
      "Events that were not exported as spans: too many were waiting, the thread failed, or a span was not computed.",
      this.#dropped,
    );
    out.value("koor_otlp_waiting", "gauge", "Events that wait to be exported as spans.", this.#events.length);
  }

  /** Sends the next events to the thread if it is idle. Returns whether it did. */
  #exportSpans(nowMs: number): boolean {
    if (this.#busy.has("spans")) return false;
    const events = this.#events.slice(0, TELEMETRY_BATCH_EVENTS_MAX);
    if (!this.#send({ kind: "spans", events, claims: this.#claims }, nowMs)) return false;
    this.#claims = null;
    this.#sent = events.length;
    this.#events = this.#events.slice(events.length);
    this.#characters = this.#events.reduce((sum, text) => sum + text.length, 0);
    // Keep the time if events remain. They have waited about as long as the sent ones.
    if (this.#events.length === 0) this.#sinceMs = null;
    return true;
  }

  /**
   * Sends a request to the thread. Starts the thread first if it does not run. Returns false if the thread does not run
   * and its last start was too recent.
   */
  #send(request: TelemetryRequest, nowMs: number): boolean {
    if (this.#thread === null) {
      if (nowMs < this.#startDueMs) return false;
      this.#startDueMs = nowMs + TELEMETRY_RESTART_MS;
      this.#thread = this.#options.start({
        onReply: (reply) => this.#answered(reply),
        onEnd: (reason) => this.#died(reason),
      });
    }
    this.#busy.add(request.kind);
    this.#thread.send(request);
    return true;
  }

  #answered({ kind, items, skipped, skipReason, error }: TelemetryReply): void {
    this.#busy.delete(kind);
    if (kind === "spans") this.#sent = 0;
    if (error === null) this.#exported[kind] += items;
    else this.#failed[kind] += items;
    this.#dropped += skipped;
    if (skipReason !== null)
      this.#options.log.warn("events are not exported as spans", { count: skipped, error: skipReason });
    this.#report(error);
    this.#onIdle?.();
  }

  #died(reason: string): void {
    if (this.#thread === null) return;
    this.#thread = null;
    this.#busy.clear();
    this.#dropped += this.#sent;
    this.#sent = 0;
    this.#anew = true;
    this.#report(`the thread of the export has died: ${reason}`);
    this.#onIdle?.();
  }

  /** Logs the first failure, and the first success after a failure. */
  #report(error: string | null): void {
    const { log } = this.#options;
    if (error !== null && this.#failing === null) log.warn("telemetry is not exported", { error });
    if (error === null && this.#failing !== null) log.info("telemetry is exported again");
    this.#failing = error;
  }

  /** Resolves at the next answer of the thread, or after `mostMs`. */
  async #idle(mostMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, mostMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = null;
  }
}
