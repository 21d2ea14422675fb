/** Computes the delay before the next attempt. Pure but for the random number. */

export interface RetryDelays {
  /** The maximum delay before the second attempt, in ms. The maximum doubles with each further attempt. */
  readonly minMs: number;
  /** The upper limit of the delay, in ms. */
  readonly maxMs: number;
}

/**
 * Returns the delay before the next attempt, in ms. Half of the delay is random, so that many clients do not retry at
 * the same moment.
 * @param failures the number of attempts in a row that failed; at least 1
 * @param random returns a number from 0 to below 1
 */
export function retryDelayMs(failures: number, { minMs, maxMs }: RetryDelays, random = Math.random): number {
  return Math.min(minMs * 2 ** (failures - 1), maxMs) * (0.5 + random() / 2);
}
