/**
 * The types of the benchmarks. A scenario yields rows. A row has Koor's figures, the same figures of the references
 * that were measured in the same run, and the ratios between Koor and each reference. A run writes these shapes to its
 * JSON file. Pure types.
 */
import type { Bench } from "./bench.js";

/**
 * Figures by name. The name ends with the unit: `requests_per_s`, `p99_ms`, `cpu_us`. A figure that could not be
 * measured is absent.
 */
export type Figures = Readonly<Record<string, number>>;

export interface Reference {
  /** The name of a server that is measured beside Koor: `raw uWS`, `Redis`, `SQLite`. */
  readonly name: string;
  readonly figures: Figures;
}

export interface Ratio {
  /** The figure that is compared: `rate`, `CPU`, `memory`. The value is Koor's figure divided by the reference's. */
  readonly of: string;
  /** The name of the reference. */
  readonly to: string;
  readonly value: number;
  readonly better: "higher" | "lower";
  /** False if the ratio is too noisy to fail a build. It is still printed and stored. */
  readonly compared: boolean;
}

/** A target of the design, and whether this row meets it. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly at: "least" | "most";
}

export interface Row {
  /**
   * The name of the measurement, for example `PUT on distinct keys, 64 connections`. Together with `client` it is
   * unique within a run.
   */
  readonly name: string;
  /** The load generator; "" if the row used none. */
  readonly client: "node" | "wrk" | "";
  readonly figures: Figures;
  readonly references: readonly Reference[];
  readonly ratios: readonly Ratio[];
  readonly targets: readonly Target[];
}

export interface Scenario {
  /** The scenario's name for the flag `--only`. */
  readonly name: string;
  /** The description that `--list` prints. */
  readonly measures: string;
  /**
   * Measures the scenario and yields its rows one by one. After it, the caller stops everything that was started
   * through `bench`.
   */
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
  /** The median time of appending 4 KiB and fsyncing it, in the directory that all stores of the run use. */
  readonly fsync_us: number;
}

export interface RunResult {
  readonly koor_bench: 1;
  readonly mode: "quick" | "full";
  readonly started_at: string;
  readonly elapsed_s: number;
  readonly machine: Machine;
  /**
   * The average number of CPUs that other processes kept busy during the run; absent if the system does not report it.
   */
  readonly cpus_elsewhere?: number;
  readonly scenarios: readonly ScenarioResult[];
  /** The scenarios that were not measured, with the reasons. */
  readonly left_out: readonly { readonly scenario: string; readonly reason: string }[];
}

/** The ratios of a run. A committed baseline has this shape, and `--compare` reads it. */
export interface RatioFile {
  readonly koor_bench: 1;
  readonly mode: "quick" | "full";
  readonly scenarios: readonly {
    readonly scenario: string;
    readonly rows: readonly Pick<Row, "name" | "client" | "ratios">[];
  }[];
}
