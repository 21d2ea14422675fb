/**
 * Keeps the metrics of the last 24 hours in memory, but not those before the server's start. There is a sample every
 * ten seconds for the last hour, and every two minutes for the time before. So a chart of any length has enough points,
 * an answer need not aggregate samples, and all samples take less than a megabyte. Rates and quantiles of an older
 * sample cover its two minutes. Runs on the front, driven by ticks.
 */
import {
  HISTORY_OLDER_ROWS_MAX,
  HISTORY_OLDER_STEP_MS,
  HISTORY_RECENT_STEP_MS,
  HISTORY_ROWS_MAX,
} from "../../../schemas/limits/metrics.js";
import { HISTORY_METRICS, type HistoryMetric, type MetricsHistory } from "../../../schemas/metrics.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { type Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Measured } from "../../platform/measure/exposition.js";
import { readSamples } from "../../platform/measure/sample-set.js";
import { figuresOf, type Sampling } from "./figures.js";

/** The interval between the first two samples. It is short, because a rate needs two samples. */
const FIRST_STEP_MS = SECOND_MS;
/** The number of digits to which values are rounded, because a chart shows no more. */
const DIGITS = 6;

const COLUMN_OF: ReadonlyMap<string, number> = new Map(HISTORY_METRICS.map((name, at) => [name, at]));

/** A ring buffer of samples. In a full buffer, a new sample replaces the oldest one. NaN stands for a missing value. */
class Ring {
  readonly #rowsMax: number;
  readonly #timesMs: Float64Array;
  readonly #values: Float64Array;
  #added = 0;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
    this.#timesMs = new Float64Array(rowsMax);
    this.#values = new Float64Array(rowsMax * HISTORY_METRICS.length);
  }

  get length(): number {
    return Math.min(this.#added, this.#rowsMax);
  }

  add(atMs: number, values: readonly (number | null)[]): void {
    const slot = this.#added % this.#rowsMax;
    this.#timesMs[slot] = atMs;
    for (const [column, value] of values.entries())
      this.#values[slot * HISTORY_METRICS.length + column] =
        value === null ? Number.NaN : Number(value.toPrecision(DIGITS));
    this.#added += 1;
  }

  /** Returns the slots of the samples, oldest first. */
  slots(): number[] {
    const first = this.#added - this.length;
    return Array.from({ length: this.length }, (_, at) => (first + at) % this.#rowsMax);
  }

  timeMs(slot: number): number {
    return this.#timesMs[slot] ?? 0;
  }

  value(slot: number, column: number): number | null {
    const value = this.#values[slot * HISTORY_METRICS.length + column] ?? Number.NaN;
    return Number.isNaN(value) ? null : value;
  }
}

export class MetricHistory implements BackgroundTask {
  readonly #measured: readonly Measured[];
  readonly #recent = new Ring(HISTORY_ROWS_MAX - HISTORY_OLDER_ROWS_MAX);
  readonly #older = new Ring(HISTORY_OLDER_ROWS_MAX);
  #startedMs = 0;
  #lastRecent: Sampling | null = null;
  #lastOlder: Sampling | null = null;

  /** @param measured the components whose metrics the history records */
  constructor(measured: readonly Measured[]) {
    this.#measured = measured;
  }

  tick(nowMs: number): void {
    if (this.#startedMs === 0) this.#startedMs = nowMs;
    const stepMs = this.#recent.length < 2 ? FIRST_STEP_MS : HISTORY_RECENT_STEP_MS;
    if (this.#lastRecent !== null && nowMs - this.#lastRecent.atMs < stepMs) return;
    const now = { atMs: nowMs, samples: readSamples(this.#measured) };
    this.#recent.add(nowMs, figuresOf(now, this.#lastRecent));
    this.#lastRecent = now;
    if (this.#lastOlder !== null && nowMs - this.#lastOlder.atMs < HISTORY_OLDER_STEP_MS) return;
    this.#older.add(nowMs, figuresOf(now, this.#lastOlder));
    this.#lastOlder = now;
  }

  /**
   * Returns the samples since a time: first the older ones at intervals of two minutes, then those of the last hour.
   * @param fromMs in ms since the epoch
   */
  read(metrics: readonly HistoryMetric[], fromMs: number): MetricsHistory {
    const recent = this.#recent.slots();
    const recentFromMs = recent[0] === undefined ? Number.POSITIVE_INFINITY : this.#recent.timeMs(recent[0]);
    const older = this.#older.slots().filter((slot) => this.#older.timeMs(slot) < recentFromMs);
    const rows = [
      ...older.map((slot) => ({ ring: this.#older, slot })),
      ...recent.map((slot) => ({ ring: this.#recent, slot })),
    ].filter(({ ring, slot }) => ring.timeMs(slot) >= fromMs);
    return {
      started_at: new Date(this.#startedMs).toISOString(),
      times: rows.map(({ ring, slot }) => new Date(ring.timeMs(slot)).toISOString()),
      metrics: Object.fromEntries(
        metrics.map((name) => {
          const column = COLUMN_OF.get(name) ?? 0;
          return [name, rows.map(({ ring, slot }) => ring.value(slot, column))];
        }),
      ),
    };
  }
}

/** Parses a comma-separated list of metrics. Returns a 400 for an unknown metric. An empty list means all metrics. */
export function metricsNamed(text: string): readonly HistoryMetric[] | Failure {
  const names = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  const unknown = names.find((name) => !COLUMN_OF.has(name));
  if (unknown !== undefined) return invalid(`unknown metric: ${shorten(unknown)}`);
  const named = new Set(names);
  return named.size === 0 ? HISTORY_METRICS : HISTORY_METRICS.filter((name) => named.has(name));
}
