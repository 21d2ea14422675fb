/** The time ranges that the user can choose with one click. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../shared/duration.js";

/** The ranges: the text of the button, and the length in ms. */
export const QUICK_RANGES: readonly (readonly [words: string, ms: number])[] = [
  ["15 min", 15 * MINUTE_MS],
  ["1 h", HOUR_MS],
  ["24 h", DAY_MS],
  ["7 d", 7 * DAY_MS],
];
