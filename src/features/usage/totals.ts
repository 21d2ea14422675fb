/**
 * Adds up usage as exactly as decimal arithmetic would. Sums of costs have no errors from binary fractions, and sums of
 * tokens keep all their digits. Pure.
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
 * The divisor that splits a row's number of tokens into a quotient and a remainder. Quotients and remainders are summed
 * separately. So both sums are small enough for a float to hold them exactly.
 */
export const TOKENS_SPLIT = 2 ** 26;

/**
 * Returns a sum of tokens.
 * @param high the sum of the quotients by TOKENS_SPLIT
 * @param low the sum of the remainders
 */
export function joinTokens(high: number, low: number): bigint {
  return BigInt(high) * BigInt(TOKENS_SPLIT) + BigInt(low);
}

/**
 * The number of decimal digits that a float holds exactly. No two decimals of this length have the same nearest float.
 */
const EXACT_DIGITS = 15;

/**
 * Rounds a sum of costs to fifteen digits. If the exact sum has at most fifteen digits, the result is exact: 0.1 + 0.2
 * is 0.3. This works because the sum is off by only about one step of a float. Costs are never negative, each is off by
 * at most half a step, and SQLite adds with compensation.
 */
export function roundCost(sum: number): number {
  const rounded = Number(sum.toPrecision(EXACT_DIGITS));
  // Rounding can turn the largest float into infinity, which JSON cannot represent.
  return Number.isFinite(rounded) ? rounded : Number.MAX_VALUE;
}

/** A group: its name and its totals. */
export type GroupTotals = readonly [name: string, totals: Totals];

/**
 * Returns one member of a JSON object whose members are groups. It is built as text. A JavaScript object could not have
 * a group named `__proto__`, and would not keep all digits of the sums of tokens.
 */
export function encodeGroup([name, totals]: GroupTotals): string {
  return `${JSON.stringify(name)}:${encodeTotals(totals)}`;
}

/**
 * Writes the JSON object of the groups, each under its name. Ends it before the groups together exceed LIST_BYTES_MAX,
 * but not before the first group.
 * @returns the cursor with which a client gets the other groups; null if all were written
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
