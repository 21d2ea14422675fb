/**
 * Compares the ratios of a run with those of an earlier run. It compares ratios and not figures, because both sides of
 * a ratio ran on the same machine, so that a ratio holds on other machines too. Reads the file of the earlier run, and
 * is pure otherwise; runs in the bench process.
 */
import { readFileSync } from "node:fs";
import * as Type from "typebox";
import { Compile } from "typebox/compile";
import type { Ratio, RatioFile, ScenarioResult } from "./model.js";

/** The factor by which a ratio may get worse before a build fails. */
export const WORSE_FACTOR_MAX = 2;

const checkRatioFile = Compile(
  Type.Object({
    koor_bench: Type.Literal(1),
    mode: Type.Union([Type.Literal("quick"), Type.Literal("full")]),
    scenarios: Type.Array(
      Type.Object({
        scenario: Type.String(),
        rows: Type.Array(
          Type.Object({
            name: Type.String(),
            client: Type.Union([Type.Literal("node"), Type.Literal("wrk"), Type.Literal("")]),
            ratios: Type.Array(
              Type.Object({
                of: Type.String(),
                to: Type.String(),
                value: Type.Number(),
                better: Type.Union([Type.Literal("higher"), Type.Literal("lower")]),
                compared: Type.Boolean(),
              }),
            ),
          }),
        ),
      }),
    ),
  }),
);

/**
 * Reads the ratios of an earlier run.
 * @returns the ratios, or one sentence that says why they cannot be read
 */
export function readRatioFile(path: string): RatioFile | string {
  let text: string;
  let value: unknown;
  try {
    text = readFileSync(path, "utf8");
    value = JSON.parse(text);
  } catch (error) {
    return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  return checkRatioFile.Check(value) ? value : `${path} is not a result of these benchmarks`;
}

export interface Comparison {
  readonly scenario: string;
  readonly row: string;
  readonly ratio: string;
  readonly before: number;
  readonly now: number;
  /** The factor by which the ratio got worse since the earlier run. Below 1, it got better. */
  readonly worse: number;
}

interface Entry {
  readonly scenario: string;
  readonly row: string;
  readonly ratio: Ratio;
}

function entriesOf(scenarios: RatioFile["scenarios"]): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { scenario, rows } of scenarios) {
    for (const { name, client, ratios } of rows) {
      const row = client === "" ? name : `${name} (${client})`;
      for (const ratio of ratios)
        if (ratio.compared) entries.set(`${scenario}/${row}/${ratio.of}/${ratio.to}`, { scenario, row, ratio });
    }
  }
  return entries;
}

/**
 * Pairs the ratios that both runs have. A ratio that only one run has is not compared, for example because the other
 * machine lacks the tool.
 */
export function compareRatios(before: RatioFile["scenarios"], now: readonly ScenarioResult[]): Comparison[] {
  const earlier = entriesOf(before);
  return [...entriesOf(now)].flatMap(([id, { scenario, row, ratio }]) => {
    const known = earlier.get(id)?.ratio.value;
    if (known === undefined) return [];
    const worse = ratio.better === "higher" ? known / ratio.value : ratio.value / known;
    return [{ scenario, row, ratio: `${ratio.of} to ${ratio.to}`, before: known, now: ratio.value, worse }];
  });
}

export function isRegression(comparison: Comparison): boolean {
  return comparison.worse > WORSE_FACTOR_MAX;
}

/**
 * Takes the better one of two measurements of each ratio. Noise can only make a ratio worse, so the better one is
 * nearer to the truth.
 */
export function bestComparisons(first: readonly Comparison[], second: readonly Comparison[]): Comparison[] {
  return first.map((one) => {
    const other = second.find(
      (candidate) => candidate.scenario === one.scenario && candidate.row === one.row && candidate.ratio === one.ratio,
    );
    return other !== undefined && other.worse < one.worse ? other : one;
  });
}
