/** Limits of the names and short texts that requests and answers contain. */
import { KIB } from "./units.js";

export const KEY_BYTES_MAX = 1024;
/**
 * The maximum size of a label that is stored with the object that it describes. A label names a provider, a model or a
 * project, or is a tag.
 */
export const LABEL_BYTES_MAX = 1024;
export const TOPIC_BYTES_MAX = 256;
export const PATTERN_BYTES_MAX = 1024;
/** The maximum number of alternatives of one glob with braces, in a rule or in a resource. */
export const GLOB_ALTERNATIVES_MAX = 64;
/**
 * The maximum number of alternatives in all globs of a rule together. The same limit applies to all resources of a
 * lease or a task together.
 */
export const ALTERNATIVES_TOGETHER_MAX = 256;
export const SOURCE_BYTES_MAX = 256;
export const CONTENT_TYPE_BYTES_MAX = 256;
/** The maximum size of a reason, note, error, question or answer. */
export const REMARK_BYTES_MAX = 4 * KIB;
/** A rejection that quotes a name or a text from the request truncates it to this length, in UTF-16 units. */
export const QUOTED_CHARACTERS_MAX = 100;
/**
 * The maximum length of a rejection's message. It has room for a line of text and the longest key, even if each
 * character of the key takes two units.
 */
export const REFUSAL_CHARACTERS_MAX = 8_192;
