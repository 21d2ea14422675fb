/** Figures of the process as a whole: memory, time, the event loop's delay, the log of the database. */
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import { VERSION } from "../../schemas/version.js";
import type { Exposition, Measured } from "../measure/exposition.js";

/** How often the event loop's delay is sampled: often enough for a p99, seldom enough to cost nothing when idle. */
const LOOP_DELAY_RESOLUTION_MS = 100;

/** How late a timer ran, in seconds: the histogram holds the whole times between its runs, in ns. */
function latenessOf(interval_ns: number): number {
  return Math.max(0, interval_ns / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1e3);
}

export interface ProcessMetricsOptions {
  /** Bytes of the database's write-ahead log. */
  readonly logBytes: () => number;
  /** Since the start. */
  readonly uptime_ms: () => number;
}

export class ProcessMetrics implements Measured {
  readonly #options: ProcessMetricsOptions;
  readonly #loop_delay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });

  constructor(options: ProcessMetricsOptions) {
    this.#options = options;
    this.#loop_delay.enable();
  }

  expose(out: Exposition): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const delay = this.#loop_delay;
    out
      .value("koor_wal_bytes", "gauge", "Size of the write-ahead log.", this.#options.logBytes())
      .value("process_resident_memory_bytes", "gauge", "Resident memory of the process.", rss)
      .value("nodejs_heap_used_bytes", "gauge", "JavaScript heap of the front that is in use.", heapUsed)
      .value("process_cpu_seconds_total", "counter", "User and system time of the process.", (user + system) / 1e6)
      .metric("koor_build_info", "gauge", "Always 1; the version that runs.")
      .sample("koor_build_info", 1, { version: VERSION })
      .value("koor_uptime_seconds", "gauge", "Time since the start.", this.#options.uptime_ms() / 1000)
      .metric("koor_event_loop_delay_seconds", "summary", "How late the front's event loop runs its timers.")
      .sample("koor_event_loop_delay_seconds", latenessOf(delay.percentile(50)), { quantile: "0.5" })
      .sample("koor_event_loop_delay_seconds", latenessOf(delay.percentile(99)), { quantile: "0.99" })
      .value(
        "koor_event_loop_delay_max_seconds",
        "gauge",
        "The longest such delay since the last scrape.",
        latenessOf(delay.max),
      );
    delay.reset();
  }
}
