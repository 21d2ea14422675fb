/** Limits of rules and of validating texts with them. */
import { KIB, MIB } from "./units.js";

export const RULE_PATTERN_BYTES_MAX = 4 * KIB;
/**
 * The sum of the counted repetitions of a pattern. It is checked before the pattern is compiled, because the compiler
 * writes out each repetition.
 */
export const RULE_REPETITIONS_MAX = 2_000;
/** The most instructions of a compiled pattern. To match one character of a text, a pattern runs each at most once. */
export const RULE_PROGRAM_INSTRUCTIONS_MAX = 5_000;
/** The instructions of all compiled patterns of a project. A pool worker must compile and keep them. */
export const PROJECT_PROGRAM_INSTRUCTIONS_MAX = 200_000;
export const PROJECT_RULES_MAX = 2_000;
/** Rules in one array. */
export const RULES_TOGETHER_MAX = 10_000;
export const RULE_NAME_BYTES_MAX = 256;
export const RULE_MESSAGE_BYTES_MAX = 4 * KIB;
export const RULE_CONTEXT_BYTES_MAX = 64 * KIB;
export const APPLIES_TO_GLOBS_MAX = 100;
/** The instructions of all compiled patterns that a pool worker keeps between validations. */
export const COMPILED_INSTRUCTIONS_KEPT_MAX = 1_000_000;
export const COMPILED_SETS_KEPT_MAX = 1_000;
/** The number of projects whose rule-set versions the front caches. When there are more, the cache is cleared. */
export const RULE_SET_VERSIONS_KEPT_MAX = 1_000;
/**
 * The largest automaton of a cached pattern, in bytes as the engine reports them. A larger automaton is dropped and
 * built again.
 */
export const AUTOMATON_BYTES_KEPT_MAX = 64 * KIB;

// Validation
/**
 * The most steps of a short validation. If it takes more, it starts again as a long validation. A step is one
 * instruction for one character, and takes about 20 ns.
 */
export const VALIDATION_SHORT_STEPS_MAX = 4_000_000;
/**
 * The longest answer of a short validation. A longer answer is made again as a stream, because as one text it would
 * block the front.
 */
export const VALIDATION_SHORT_ANSWER_CHARACTERS_MAX = 256 * KIB;
export const VIOLATIONS_LISTED_MAX = 100_000;
/** The JSON of all violations in one answer, in bytes of UTF-8. */
export const VIOLATIONS_LISTED_BYTES_MAX = 16 * MIB;
