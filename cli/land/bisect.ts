/**
 * Finds how many branches of a batch pass the check together. Uses bisection, so that the check runs only a few times.
 * Pure.
 */
import type { CheckResult } from "./check.js";
import { CliFailure } from "../failure.js";

export interface Passing {
  /** The first `count` branches pass the check together. */
  readonly count: number;
  /** The failed check with the fewest branches; null if all branches pass. */
  readonly failed: CheckResult | null;
}

/**
 * Finds the largest number of branches that pass the check. Tries all branches first, and then bisects. Assumes that
 * adding a branch never repairs a failure.
 * @param total the number of branches, at least 1
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
