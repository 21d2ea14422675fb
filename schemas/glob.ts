/**
 * Topic patterns that are sure to be well-formed, as src/base/segment-glob.ts reads them: for what clients are told.
 */
import { UNSEEN_CLASS } from "./visible-text.js";

/** What no line of text has. */
const CONTROL = `\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}`;
const ESCAPED = `\\\\[^.${CONTROL}]`;
const CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.${CONTROL}])`;
const FIRST_CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.^${CONTROL}])`;
const RANGE_END = `(?:-${CHARACTER})?`;
const OTHERS = `(?:${CHARACTER}${RANGE_END})`;

/**
 * A regular expression for one part of a pattern: a character, one that is escaped, or a class, in which neither `-`
 * nor `]` stands for itself. A dot is neither escaped nor in a class.
 */
export const TOPIC_PATTERN_PART = `(?:[^\\\\[${CONTROL}]|${ESCAPED}|\\[(?:\\^${OTHERS}+|${FIRST_CHARACTER}${RANGE_END}${OTHERS}*)\\])`;
