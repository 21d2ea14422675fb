/**
 * The types of the benchmarks: a scenario yields rows. A row holds Koor's figures, the same figures of its references
 * measured in the same run, and the ratios between the two. These shapes are also the JSON file that a run writes. Pure
 * types; runs in the bench process.
 */
import type { Bench } from "./bench.js";

/**
 * Figures by name, the unit last: `requests_per_s`, `p99_ms`, `cpu_us`. A figure that could not be measured is absent.
 */
export type Figures = Readonly<Record<string, number>>;

export interface Reference {
  /** The name of a server that was measured beside Koor: `raw uWS`, `Redis`, `SQLite`. */
  readonly name: string;
  readonly figures: Figures;
}

export interface Ratio {
  /** Which figure is compared: `rate`, `CPU`, `memory`. The value is Koor's divided by the reference's. */
  readonly of: string;
  /** The name of the reference. */
  readonly to: string;
  readonly value: number;
  readonly better: "higher" | "lower";
  /** False where the ratio is too noisy to fail a build on; it is shown and stored all the same. */
  readonly compared: boolean;
}

/** A promise of the design, checked against this row. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly at: "least" | "most";
}

export interface Row {
  /**
   * The measured thing, for example `PUT on distinct keys, 64 connections`. Together with `client` it is unique within
   * a run.
   */
  readonly name: string;
  /** The load generator, where the row had one. */
  readonly client: "node" | "wrk" | "";
  readonly figures: Figures;
  readonly references: readonly Reference[];
  readonly ratios: readonly Ratio[];
  readonly targets: readonly Target[];
}

export interface Scenario {
  /** The name that `--only` takes. */
  readonly name: string;
  /** The line that `--list` prints. */
  readonly measures: string;
  /** Yields rows as they are measured. The caller then stops everything that was started through `bench`. */
  readonly build: (bench: Bench) => AsyncIterable<Row>;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly rows: readonly Row[];
}

export interface Machine {
  readonly cpus: number;
  readonly cpu_model: string;
  readonly platform: string;
  readonly node: string;
  readonly wrk: boolean;
  readonly redis: boolean;
  /** Median time of a 4 KiB append and fsync in the directory that all stores of the run use. */
  readonly fsync_us: number;
}

export interface RunResult {
  readonly koor_bench: 1;
  readonly mode: "quick" | "full";
  readonly started_at: string;
  readonly elapsed_s: number;
  readonly machine: Machine;
  /** CPUs that other processes kept busy during the run, on average; absent where the system does not report it. */
  readonly cpus_elsewhere?: number;
  readonly scenarios: readonly ScenarioResult[];
  /** Scenarios that were not measured, with the reason. */
  readonly left_out: readonly { readonly scenario: string; readonly reason: string }[];
}

/** The ratios of a run: all that `--compare` reads, and all that a committed baseline needs. */
export interface RatioFile {
  readonly koor_bench: 1;
  readonly mode: "quick" | "full";
  readonly scenarios: readonly {
    readonly scenario: string;
    readonly rows: readonly Pick<Row, "name" | "client" | "ratios">[];
  }[];
}
