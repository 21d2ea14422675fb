/**
 * Sums with the digits of decimal arithmetic: costs without the errors of binary fractions, tokens with all their
 * digits. Pure.
 */

/** The totals of one group, or of everything. */
export interface Totals {
  readonly tokens_in: bigint;
  readonly tokens_out: bigint;
  readonly cost_usd: number;
  readonly requests: number;
}

/** Tokens are summed as multiples of this number and as remainders: both sums stay whole numbers that a float holds. */
export const TOKENS_SPLIT = 2 ** 26;

/** Joins the sum of the multiples and the sum of the remainders. */
export function joinTokens(high: number, low: number): bigint {
  return BigInt(high) * BigInt(TOKENS_SPLIT) + BigInt(low);
}

/** With this number of digits, every decimal has a float that is nearer to it than to any other such decimal. */
const EXACT_DIGITS = 15;

/**
 * Rounds a sum of costs, which are never negative, to fifteen digits. Each cost is off by at most half a step of its
 * float, and SQLite adds with compensation, so the sum is off by about one step: a sum whose exact decimal value has at
 * most fifteen digits is returned exactly (0.1 + 0.2 is 0.3).
 */
export function roundCost(sum: number): number {
  const rounded = Number(sum.toPrecision(EXACT_DIGITS));
  // Rounding the largest float up gives infinity, which JSON does not have.
  return Number.isFinite(rounded) ? rounded : Number.MAX_VALUE;
}

/** The totals of the group with this name. */
export type GroupTotals = readonly [name: string, totals: Totals];

/**
 * Returns the JSON of groups by name; as text, because a group may be named `__proto__`, and sums of tokens keep all
 * digits.
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
