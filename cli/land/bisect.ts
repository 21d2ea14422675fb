/** Finds how many branches of a batch pass the check together. Runs the check only a few times, by bisection. Pure. */
import type { CheckResult } from "./check.js";
import { CliFailure } from "../failure.js";

export interface Passing {
  /** The number of branches, counted from the first one, that pass together. */
  readonly count: number;
  /** The result of the check that failed with the fewest branches; null if all branches pass. */
  readonly failed: CheckResult | null;
}

/**
 * Tries all branches, and then bisects between the numbers that pass and fail. It assumes that adding branches never
 * repairs a failure.
 * @param total at least 1
 * @param check runs the check on the first `count` branches
 */
export async function findPassing(
  total: number,
  check: (count: number) => Promise<CheckResult | CliFailure>,
): Promise<Passing | CliFailure> {
  let passing = 0;
  let failing = total + 1;
  let failed: CheckResult | null = null;
  for (let count = total; failing - passing > 1; count = Math.floor((passing + failing) / 2)) {
    const result = await check(count);
    if (result instanceof CliFailure) return result;
    if (result.exitCode === 0) passing = count;
    else {
      failing = count;
      failed = result;
    }
  }
  return { count: passing, failed };
}
