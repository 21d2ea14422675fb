/** Limits of contracts, and of checking payloads and live services with them. */
import { KIB, MIB } from "./units.js";

/** The deepest nesting of objects and arrays in a contract, in a payload or in a service's answer. */
export const CONTRACT_DEPTH_MAX = 256;
export const CONTRACT_VIOLATIONS_MAX = 1_000;
/** Paths and messages together. */
export const CONTRACT_VIOLATIONS_CHARACTERS_MAX = 1 * MIB;
/** A violation's path. */
export const CONTRACT_PATH_CHARACTERS_MAX = 1024;
/**
 * The longest message of a violation. It lists the most names that it may list, and each name has its greatest length.
 */
export const CONTRACT_MESSAGE_CHARACTERS_MAX = 32 * KIB;
/** The most names, or values of an enum, in one message. */
export const CONTRACT_NAMES_LISTED_MAX = 100;
/** A payload's value in a message. */
export const CONTRACT_VALUE_CHARACTERS_MAX = 200;
/** The longest text of one JSON Schema, because the schema is compiled. */
export const CONTRACT_SCHEMA_CHARACTERS_MAX = 128 * KIB;
/** A string that is longer than this fails every `format` whose check backtracks. */
export const CONTRACT_FORMAT_CHARACTERS_MAX = 2 * KIB;
/**
 * The largest payload that is checked against a JSON Schema for all violations, because all of them are kept in memory.
 * For a larger payload, the check ends at the first violation.
 */
export const CONTRACT_ALL_ERRORS_CHARACTERS_MAX = 256 * KIB;
/**
 * The most compiled contracts that a pool worker keeps. CONTRACTS_KEPT_BYTES_MAX limits the texts from which they were
 * read.
 */
export const CONTRACTS_KEPT_MAX = 256;
export const CONTRACTS_KEPT_BYTES_MAX = 16 * MIB;
/** The instructions of all patterns of one JSON Schema. The patterns are compiled before a payload is checked. */
export const CONTRACT_PATTERN_INSTRUCTIONS_MAX = 50_000;
/**
 * The budget of steps to check a payload: this number, and CONTRACT_STEPS_A_CHARACTER for each character, but at most
 * CONTRACT_STEPS_MAX. A step takes some tens of nanoseconds. A check that would take more steps is rejected.
 */
export const CONTRACT_STEPS_LEAST = 200_000;
export const CONTRACT_STEPS_A_CHARACTER = 64;
export const CONTRACT_STEPS_MAX = 64_000_000;
/** If a check takes longer than this in spite of its budget of steps, it is aborted and its thread is replaced. */
export const CONTRACT_DEADLINE_MS = 5_000;
/** The most live tests in flight. Each may have an answer in memory. */
export const CONTRACT_TESTS_MAX = 16;
export const CONTRACT_ANSWER_BYTES_MAX = 10 * MIB;
