/**
 * Metrics of the whole process: memory, CPU time, the delay of the event loop, and the size of the database's
 * write-ahead log. Runs on the front.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import { VERSION } from "../../../schemas/version.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";

/**
 * The interval of the timer that measures the delay of the event loop. It is short enough for a p99, and long enough to
 * cost almost nothing on an idle server.
 */
const LOOP_DELAY_RESOLUTION_MS = 100;

/**
 * Returns by how many seconds the timer was late. `intervalNs` is the measured interval between two runs of the timer.
 * The timer's regular interval is subtracted from it.
 */
function latenessOf(intervalNs: number): number {
  return Math.max(0, intervalNs / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1e3);
}

/**
 * Delays are measured in windows of at least this length. A read after this time ends the current window and returns
 * its delays. An earlier read returns the delays of the previous window. So frequent reads do not make the windows
 * shorter.
 */
const LOOP_DELAY_WINDOW_MS_MIN = 10_000;

/** The delays in a window, in seconds. */
interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ProcessMetricsOptions {
  /** Returns the size of the database's write-ahead log in bytes. */
  readonly walBytes: () => number;
  /** The name of the library that was chosen at the start for each purpose. */
  readonly runtime: Readonly<Record<string, string>>;
  /** Returns the time since the server's start, in ms. */
  readonly uptimeMs: () => number;
}

export class ProcessMetrics implements Measured {
  readonly #options: ProcessMetricsOptions;
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  #windowBeganMs: number;
  /** The delays of the last complete window. */
  #lastWindow: LoopDelay | null = null;

  constructor(options: ProcessMetricsOptions) {
    this.#options = options;
    this.#windowBeganMs = options.uptimeMs();
    this.#loopDelay.enable();
  }

  expose(out: Exposition): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const { p50, p99, max } = this.#readLoopDelay();
    out
      .value("koor_wal_bytes", "gauge", "Bytes of the database's write-ahead log.", this.#options.walBytes())
      .value("process_resident_memory_bytes", "gauge", "Resident memory of the process.", rss)
      .value("nodejs_heap_used_bytes", "gauge", "Used JavaScript heap of the front thread.", heapUsed)
      .value("process_cpu_seconds_total", "counter", "User and system CPU time of the process.", (user + system) / 1e6)
      .metric("koor_build_info", "gauge", "Always 1; the label is the running version.")
      .sample("koor_build_info", 1, { version: VERSION })
      .metric("koor_runtime_info", "gauge", "Always 1; the labels are the Node version and the chosen libraries.")
      .sample("koor_runtime_info", 1, { node: process.versions.node, ...this.#options.runtime })
      .value("koor_uptime_seconds", "gauge", "Seconds since the start of the server.", this.#options.uptimeMs() / 1000)
      .metric("koor_event_loop_delay_seconds", "summary", "Delay of timers in the front's event loop.")
      .sample("koor_event_loop_delay_seconds", p50, { quantile: "0.5" })
      .sample("koor_event_loop_delay_seconds", p99, { quantile: "0.99" })
      .value("koor_event_loop_delay_max_seconds", "gauge", "Largest delay of a timer in the same window.", max);
  }

  /**
   * Returns the delays of the last complete window. If no window is complete yet, returns the delays of the current
   * one.
   */
  #readLoopDelay(): LoopDelay {
    const delay = this.#loopDelay;
    const nowMs = this.#options.uptimeMs();
    const isOver = nowMs - this.#windowBeganMs >= LOOP_DELAY_WINDOW_MS_MIN;
    if (!isOver && this.#lastWindow !== null) return this.#lastWindow;
    const read = {
      p50: latenessOf(delay.percentile(50)),
      p99: latenessOf(delay.percentile(99)),
      max: latenessOf(delay.max),
    };
    if (!isOver) return read;
    this.#lastWindow = read;
    this.#windowBeganMs = nowMs;
    delay.reset();
    return read;
  }
}
