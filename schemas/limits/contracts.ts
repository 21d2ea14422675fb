/** Limits of contracts, and of checking payloads and live services with them. */
import { KIB, MIB } from "./units.js";

/** The maximum nesting of objects and arrays in a contract, in a payload or in a service's answer. */
export const CONTRACT_DEPTH_MAX = 256;
export const CONTRACT_VIOLATIONS_MAX = 1_000;
/** The maximum length of the paths and messages of all violations together. */
export const CONTRACT_VIOLATIONS_CHARACTERS_MAX = 1 * MIB;
/** The maximum length of a violation's path. */
export const CONTRACT_PATH_CHARACTERS_MAX = 1024;
/**
 * The maximum length of a violation's message. It has room for CONTRACT_NAMES_LISTED_MAX names of the maximum length.
 */
export const CONTRACT_MESSAGE_CHARACTERS_MAX = 32 * KIB;
/** The maximum number of names in one message. It also limits the values of an enum in a message. */
export const CONTRACT_NAMES_LISTED_MAX = 100;
/** The maximum length of a payload's value in a message. */
export const CONTRACT_VALUE_CHARACTERS_MAX = 200;
/** The maximum length of a JSON Schema. The limit is needed because the schema is compiled. */
export const CONTRACT_SCHEMA_CHARACTERS_MAX = 128 * KIB;
/** The longest string that a `format` with a backtracking check accepts. A longer string fails the check. */
export const CONTRACT_FORMAT_CHARACTERS_MAX = 2 * KIB;
/**
 * The maximum size of a payload for which a JSON Schema check collects all violations. For a larger payload, the check
 * ends at the first violation, because all collected violations are kept in memory.
 */
export const CONTRACT_ALL_ERRORS_CHARACTERS_MAX = 256 * KIB;
/**
 * The maximum number of compiled contracts that a pool worker keeps. CONTRACTS_KEPT_BYTES_MAX limits the size of their
 * texts.
 */
export const CONTRACTS_KEPT_MAX = 256;
export const CONTRACTS_KEPT_BYTES_MAX = 16 * MIB;
/**
 * The maximum number of instructions of all patterns in one JSON Schema together. The patterns are compiled before a
 * payload is checked.
 */
export const CONTRACT_PATTERN_INSTRUCTIONS_MAX = 50_000;
/**
 * Every check of a payload may take this number of steps, however short the payload is. Each character of the payload
 * allows CONTRACT_STEPS_A_CHARACTER more steps, up to CONTRACT_STEPS_MAX in all. A check that would take more steps is
 * rejected. A step takes some tens of nanoseconds.
 */
export const CONTRACT_STEPS_LEAST = 200_000;
export const CONTRACT_STEPS_A_CHARACTER = 64;
export const CONTRACT_STEPS_MAX = 64_000_000;
/**
 * The time limit of a check, in addition to its limit of steps. A check that takes longer is aborted, and its thread is
 * replaced.
 */
export const CONTRACT_DEADLINE_MS = 5_000;
/** The maximum number of live tests in flight. Each may have an answer in memory. */
export const CONTRACT_TESTS_MAX = 8;
export const CONTRACT_ANSWER_BYTES_MAX = 10 * MIB;
