/**
 * Sums that come out as a person would write them: costs without the dust of binary fractions, tokens with
 * all their digits. Pure.
 */

/** What one group, or everything, adds up to. */
export interface Totals {
  readonly tokens_in: bigint;
  readonly tokens_out: bigint;
  readonly cost_usd: number;
  readonly requests: number;
}

/** Tokens are summed as multiples of this and what is left: both sums stay whole numbers that a float holds. */
export const TOKENS_SPLIT = 2 ** 26;

/** The sum of the multiples and the sum of what was left, put together. */
export function joinTokens(high: number, low: number): bigint {
  return BigInt(high) * BigInt(TOKENS_SPLIT) + BigInt(low);
}

/** Every decimal of so many digits has a float that is nearer to it than to any other such decimal. */
const EXACT_DIGITS = 15;

/**
 * A sum of costs, which are never negative, rounded to fifteen digits. Each cost is off by at most half a
 * step of its float, and SQLite adds with compensation, so the sum is off by about one step: a sum that
 * has at most fifteen digits when it is done on paper comes out exactly so (0.1 + 0.2 is 0.3).
 */
export function roundCost(sum: number): number {
  const rounded = Number(sum.toPrecision(EXACT_DIGITS));
  // Rounded up, the largest float is none any more; JSON knows no infinity.
  return Number.isFinite(rounded) ? rounded : Number.MAX_VALUE;
}

/** The sums of a group that has this name. */
export type GroupTotals = readonly [name: string, totals: Totals];

/** The JSON of groups by name; as text, since a group may be named `__proto__`, and sums of tokens keep all digits. */
export function encodeGroups(groups: readonly GroupTotals[]): string {
  return `{${groups.map(([name, totals]) => `${JSON.stringify(name)}:${encodeTotals(totals)}`).join(",")}}`;
}

/** The JSON of one group's sums. */
export function encodeTotals({ tokens_in, tokens_out, cost_usd, requests }: Totals): string {
  return (
    `{"total_tokens_in":${tokens_in},"total_tokens_out":${tokens_out}` +
    `,"total_cost_usd":${cost_usd},"request_count":${requests}}`
  );
}
