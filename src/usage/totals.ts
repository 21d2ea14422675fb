/**
 * Adds up usage as exactly as decimal arithmetic would. Costs have no errors of binary fractions, and tokens keep all
 * their digits. Pure.
 */

/** The totals of one group, or of all rows. */
export interface Totals {
  readonly tokens_in: bigint;
  readonly tokens_out: bigint;
  readonly cost_usd: number;
  readonly requests: number;
}

/**
 * The divisor that splits the tokens of a row into a quotient and a remainder. Quotients and remainders are summed
 * separately, so that both sums stay whole numbers that a float holds exactly.
 */
export const TOKENS_SPLIT = 2 ** 26;

/**
 * Returns the sum of tokens. `high` is the sum of the quotients by TOKENS_SPLIT, and `low` is the sum of the
 * remainders.
 */
export function joinTokens(high: number, low: number): bigint {
  return BigInt(high) * BigInt(TOKENS_SPLIT) + BigInt(low);
}

/**
 * The number of decimal digits that a float holds exactly. Two different decimals of this length never have the same
 * nearest float.
 */
const EXACT_DIGITS = 15;

/**
 * Rounds a sum of costs, which are not negative, to fifteen digits. The result is exact if the exact sum has at most
 * fifteen digits: 0.1 + 0.2 is 0.3. Each cost is off by at most half a step of its float, and SQLite adds with
 * compensation. So the sum is off by only about one step.
 */
export function roundCost(sum: number): number {
  const rounded = Number(sum.toPrecision(EXACT_DIGITS));
  // Rounding can turn the largest float into infinity, which JSON does not have.
  return Number.isFinite(rounded) ? rounded : Number.MAX_VALUE;
}

/** A group: its name and its totals. */
export type GroupTotals = readonly [name: string, totals: Totals];

/**
 * Returns the JSON of groups by name. It is built as text because an object could not have a group named `__proto__`,
 * and because the sums of tokens must keep all their digits.
 */
export function encodeGroups(groups: readonly GroupTotals[]): string {
  return `{${groups.map(([name, totals]) => `${JSON.stringify(name)}:${encodeTotals(totals)}`).join(",")}}`;
}

/** Returns the JSON of one group's totals. */
export function encodeTotals({ tokens_in, tokens_out, cost_usd, requests }: Totals): string {
  return (
    `{"total_tokens_in":${tokens_in},"total_tokens_out":${tokens_out}` +
    `,"total_cost_usd":${cost_usd},"request_count":${requests}}`
  );
}
