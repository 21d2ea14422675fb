/** Limits of the names and short texts that requests and answers contain. */
import { KIB } from "./units.js";

export const KEY_BYTES_MAX = 1024;
/** The longest label that is stored with the thing that it describes: a provider, a model, a project or a tag. */
export const LABEL_BYTES_MAX = 1024;
export const TOPIC_BYTES_MAX = 256;
export const PATTERN_BYTES_MAX = 1024;
/** The most alternatives of one glob with braces, in a rule or in a resource. */
export const GLOB_ALTERNATIVES_MAX = 64;
/** The most alternatives of all globs of one rule together, and of all resources of one lease or task together. */
export const ALTERNATIVES_TOGETHER_MAX = 256;
export const SOURCE_BYTES_MAX = 256;
export const CONTENT_TYPE_BYTES_MAX = 256;
/** Reasons, notes, errors, questions and answers. */
export const REMARK_BYTES_MAX = 4 * KIB;
/** The length to which a rejection truncates a name or text of the request that it quotes, in UTF-16 units. */
export const QUOTED_CHARACTERS_MAX = 100;
/**
 * The longest message of a rejection. It has room for the longest key, even if each of its characters takes two units,
 * and for a line of text.
 */
export const REFUSAL_CHARACTERS_MAX = 8_192;
