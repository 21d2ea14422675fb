/**
 * Adds up usage with the digits of decimal arithmetic: costs without the errors of binary fractions, and tokens with
 * all their digits. Pure.
 */

import { LIST_BYTES_MAX } from "../../schemas/limits/answers.js";
import { cursor } from "../base/json-array.js";

/** The totals of one group, or of all rows. */
export interface Totals {
  readonly tokens_in: bigint;
  readonly tokens_out: bigint;
  readonly cost_usd: number;
  readonly requests: number;
}

/**
 * Divides the tokens of a row into a multiple of this number and a remainder. The multiples and the remainders are
 * added up separately, so that both sums stay whole numbers that a float holds exactly.
 */
export const TOKENS_SPLIT = 2 ** 26;

/**
 * Returns the number of tokens that two sums stand for: `high` is the sum of the multiples of TOKENS_SPLIT, and `low`
 * is the sum of the remainders.
 */
export function joinTokens(high: number, low: number): bigint {
  return BigInt(high) * BigInt(TOKENS_SPLIT) + BigInt(low);
}

/**
 * The number of decimal digits that a float holds exactly: each decimal of this length has a float that is nearer to it
 * than to any other such decimal.
 */
const EXACT_DIGITS = 15;

/**
 * Rounds a sum of costs, which are never negative, to fifteen digits. The result is exact if the exact decimal sum has
 * at most fifteen digits (0.1 + 0.2 is 0.3). The reason: each cost is off by at most half a step of its float, and
 * SQLite adds with compensation, so the sum is off by only about one step.
 */
export function roundCost(sum: number): number {
  const rounded = Number(sum.toPrecision(EXACT_DIGITS));
  // The largest float may be rounded up to infinity, which JSON does not have.
  return Number.isFinite(rounded) ? rounded : Number.MAX_VALUE;
}

/** A group: its name and its totals. */
export type GroupTotals = readonly [name: string, totals: Totals];

/**
 * Returns one member of a JSON object of groups by name. It is text for two reasons: a group may be named `__proto__`,
 * and the sums of tokens must keep all their digits.
 */
export function encodeGroup([name, totals]: GroupTotals): string {
  return `${JSON.stringify(name)}:${encodeTotals(totals)}`;
}

/**
 * Writes the JSON object of groups by name, but ends it before all groups together exceed LIST_BYTES_MAX. If there is
 * a group, the object has at least one.
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
