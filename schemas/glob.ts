/**
 * Builds a regular expression for the published API description. It matches topic patterns that are certainly
 * well-formed: src/topics/topic-segment.ts, which reads them, accepts more.
 */
import { UNSEEN_CLASS } from "./visible-text.js";

/** The characters that a one-line text must not contain, written for the inside of a character class. */
const CONTROL = `\\x00-\\x1f\\x7f-\\x9f${UNSEEN_CLASS}`;
const ESCAPED = `\\\\[^.${CONTROL}]`;
const CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.${CONTROL}])`;
const FIRST_CHARACTER = `(?:${ESCAPED}|[^\\\\\\]\\-.^${CONTROL}])`;
const RANGE_END = `(?:-${CHARACTER})?`;
const OTHERS = `(?:${CHARACTER}${RANGE_END})`;

/**
 * A regular expression for one part of a topic pattern: a character, an escaped character, or a character class. In its
 * classes neither `-` nor `]` is a literal, and a dot is neither escaped nor inside a class.
 */
export const TOPIC_PATTERN_PART = `(?:[^\\\\[${CONTROL}]|${ESCAPED}|\\[(?:\\^${OTHERS}+|${FIRST_CHARACTER}${RANGE_END}${OTHERS}*)\\])`;
