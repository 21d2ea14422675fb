/**
 * Adds up usage as exactly as decimal arithmetic would. The sums of costs have no errors from binary fractions, and the
 * sums of tokens keep all their digits. Pure.
 */

import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { cursor } from "../../base/json-array.js";

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
 * Returns one member of a JSON object of groups by name. It is built as text because an object could not have a group
 * named `__proto__`, and because the sums of tokens must keep all their digits.
 */
export function encodeGroup([name, totals]: GroupTotals): string {
  return `${JSON.stringify(name)}:${encodeTotals(totals)}`;
}

/**
 * Writes the JSON object of groups by name, but ends it before all groups together exceed LIST_BYTES_MAX. If there are
 * groups, the object has at least one.
 * @returns the cursor that continues the list of groups; null if it is complete
 */
export function* encodeGroupList(
  groups: Iterable<GroupTotals>,
  bytesMax = LIST_BYTES_MAX,
): Generator<string, string | null, undefined> {
  let bytes = 0;
  let last: string | undefined;
  yield "{";
  for (const group of groups) {
    const text = encodeGroup(group);
    bytes += Buffer.byteLength(text);
    if (last !== undefined && bytes > bytesMax) {
      yield "}";
      return cursor("after", last);
    }
    yield last === undefined ? text : `,${text}`;
    last = group[0];
  }
  yield "}";
  return null;
}

/** Returns the JSON of one group's totals. */
export function encodeTotals({ tokens_in, tokens_out, cost_usd, requests }: Totals): string {
  return (
    `{"total_tokens_in":${tokens_in},"total_tokens_out":${tokens_out}` +
    `,"total_cost_usd":${cost_usd},"request_count":${requests}}`
  );
}
