/** The time ranges that one click chooses. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/duration.js";

/** The ranges: the words, and how long they are, in ms. */
export const QUICK_RANGES: readonly (readonly [words: string, ms: number])[] = [
  ["15 min", 15 * MINUTE_MS],
  ["1 h", HOUR_MS],
  ["24 h", DAY_MS],
  ["7 d", 7 * DAY_MS],
];
