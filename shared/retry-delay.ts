/** Computes the delay before an attempt is repeated. Pure but for the random number. */

export interface RetryDelays {
  /** The longest delay before the second attempt, in ms. It doubles with each attempt. */
  readonly minMs: number;
  /** The delay does not grow beyond this, in ms. */
  readonly maxMs: number;
}

/**
 * Returns the delay in ms after the given number of attempts that failed in a row, at least 1. Half of the delay is
 * random, so that many clients do not return at the same moment.
 * @param random returns a number from 0 to below 1
 */
export function retryDelayMs(failures: number, { minMs, maxMs }: RetryDelays, random = Math.random): number {
  return Math.min(minMs * 2 ** (failures - 1), maxMs) * (0.5 + random() / 2);
}
