/**
 * Builds the regular expression with which the published API description describes topic patterns. It matches only
 * patterns that are certainly well-formed. The parser, src/platform/topics/topic-segment.ts, accepts more patterns.
 */
import { UNSEEN_CLASS } from "./visible-text.js";

/**
 * The characters that a line of text must not contain, in the syntax of a character class, but without its brackets.
 */
const CONTROL = `\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}`;
const ESCAPED = `\\\\[^.${CONTROL}]`;
const CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.${CONTROL}])`;
const FIRST_CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.^${CONTROL}])`;
const RANGE_END = `(?:-${CHARACTER})?`;
const OTHERS = `(?:${CHARACTER}${RANGE_END})`;

/**
 * The source of a regular expression for one part of a topic pattern. A part is a character, an escaped character, or a
 * character class. In a class, `-` and `]` cannot stand for themselves. A dot can neither be escaped nor be in a class.
 */
export const TOPIC_PATTERN_PART = `(?:[^\\\\[${CONTROL}]|${ESCAPED}|\\[(?:\\^${OTHERS}+|${FIRST_CHARACTER}${RANGE_END}${OTHERS}*)\\])`;
