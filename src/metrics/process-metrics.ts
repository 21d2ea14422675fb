/**
 * Metrics of the whole process: memory, CPU time, the delay of the event loop, and the size of the database's
 * write-ahead log. Runs on the front.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import { VERSION } from "../../schemas/version.js";
import type { Exposition, Measured } from "../measure/exposition.js";

/**
 * The interval at which the delay of the event loop is sampled. It is short enough for a p99, and so long that it costs
 * nothing when the server is idle.
 */
const LOOP_DELAY_RESOLUTION_MS = 100;

/**
 * Returns by how much a timer was late, in seconds. The histogram has the whole intervals between its runs, in ns, so
 * the timer's own interval is subtracted.
 */
function latenessOf(interval_ns: number): number {
  return Math.max(0, interval_ns / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1e3);
}

/**
 * Delays are measured in windows of at least this length. A reader gets the delays of a whole window. A read ends the
 * current window only if it is long enough; otherwise the window continues, and the reader gets the previous one. So
 * the number of readers does not matter.
 */
const LOOP_DELAY_WINDOW_MS_MIN = 10_000;

/** The delays in a window, in seconds. */
interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ProcessMetricsOptions {
  /** Returns the bytes of the database's write-ahead log. */
  readonly walBytes: () => number;
  /** The libraries that were chosen at the start: the name of each, by its purpose. */
  readonly runtime: Readonly<Record<string, string>>;
  /** The time since the start. */
  readonly uptime_ms: () => number;
}

export class ProcessMetrics implements Measured {
  readonly #options: ProcessMetricsOptions;
  readonly #loop_delay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  #window_began_ms: number;
  /** The delays of the last complete window. */
  #last_window: LoopDelay | null = null;

  constructor(options: ProcessMetricsOptions) {
    this.#options = options;
    this.#window_began_ms = options.uptime_ms();
    this.#loop_delay.enable();
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
      .value("koor_uptime_seconds", "gauge", "Seconds since the start of the server.", this.#options.uptime_ms() / 1000)
      .metric("koor_event_loop_delay_seconds", "summary", "Delay of timers in the front's event loop.")
      .sample("koor_event_loop_delay_seconds", p50, { quantile: "0.5" })
      .sample("koor_event_loop_delay_seconds", p99, { quantile: "0.99" })
      .value("koor_event_loop_delay_max_seconds", "gauge", "Largest delay of a timer in the same window.", max);
  }

  /** Returns the delays of the last complete window. While no window is complete, returns those of the first one. */
  #readLoopDelay(): LoopDelay {
    const delay = this.#loop_delay;
    const now_ms = this.#options.uptime_ms();
    const is_over = now_ms - this.#window_began_ms >= LOOP_DELAY_WINDOW_MS_MIN;
    if (!is_over && this.#last_window !== null) return this.#last_window;
    const read = {
      p50: latenessOf(delay.percentile(50)),
      p99: latenessOf(delay.percentile(99)),
      max: latenessOf(delay.max),
    };
    if (!is_over) return read;
    this.#last_window = read;
    this.#window_began_ms = now_ms;
    delay.reset();
    return read;
  }
}
