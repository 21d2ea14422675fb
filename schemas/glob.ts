/**
 * A regular expression for topic patterns that are certainly well-formed, as src/base/segment-glob.ts reads them. It is
 * for published descriptions.
 */
import { UNSEEN_CLASS } from "./visible-text.js";

/** The characters that a line of text cannot have. */
const CONTROL = `\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}`;
const ESCAPED = `\\\\[^.${CONTROL}]`;
const CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.${CONTROL}])`;
const FIRST_CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.^${CONTROL}])`;
const RANGE_END = `(?:-${CHARACTER})?`;
const OTHERS = `(?:${CHARACTER}${RANGE_END})`;

/**
 * A regular expression for one part of a pattern: a character, an escaped character, or a class in which neither `-`
 * nor `]` stands for itself. A dot is neither escaped nor in a class.
 */
export const TOPIC_PATTERN_PART = `(?:[^\\\\[${CONTROL}]|${ESCAPED}|\\[(?:\\^${OTHERS}+|${FIRST_CHARACTER}${RANGE_END}${OTHERS}*)\\])`;
