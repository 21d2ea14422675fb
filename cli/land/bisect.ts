/** Finds how many branches of a batch pass the check together, with few runs of the check. Pure. */
import type { CheckResult } from "./check.js";
import { CliFailure } from "../failure.js";

export interface Passing {
  /** The number of branches, from the first on, that pass together. */
  readonly count: number;
  /** The result of the check on the first branch that fails with those before it; null if all pass. */
  readonly failed: CheckResult | null;
}

/**
 * Tries all of them, and halves their number after a failure. It assumes that more branches do not mend a failure.
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
