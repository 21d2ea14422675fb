/** Limits of rules and of validating texts with them. */
import { KIB, MIB } from "./units.js";

export const RULE_PATTERN_BYTES_MAX = 4 * KIB;
/**
 * The maximum sum of the counted repetitions in a pattern. It is checked before the pattern is compiled, because the
 * compiler writes out each repetition.
 */
export const RULE_REPETITIONS_MAX = 2_000;
/**
 * The maximum number of instructions of one compiled pattern. The pattern runs each instruction at most once for each
 * character of a text.
 */
export const RULE_PROGRAM_INSTRUCTIONS_MAX = 5_000;
/**
 * The maximum number of instructions of all compiled patterns of a project. A pool worker compiles the patterns and
 * keeps them.
 */
export const PROJECT_PROGRAM_INSTRUCTIONS_MAX = 200_000;
export const PROJECT_RULES_MAX = 2_000;
/** The maximum number of rules in one array. */
export const RULES_TOGETHER_MAX = 10_000;
export const RULE_NAME_BYTES_MAX = 256;
export const RULE_MESSAGE_BYTES_MAX = 4 * KIB;
export const RULE_CONTEXT_BYTES_MAX = 64 * KIB;
export const APPLIES_TO_GLOBS_MAX = 100;
/** The number of instructions that a pool worker keeps between validations, over all compiled patterns. */
export const COMPILED_INSTRUCTIONS_KEPT_MAX = 1_000_000;
export const COMPILED_SETS_KEPT_MAX = 1_000;
/** The number of projects whose rule-set versions the front caches. If there are more, the front clears the cache. */
export const RULE_SET_VERSIONS_KEPT_MAX = 1_000;
/**
 * The maximum size of a cached pattern's automaton, in bytes as the engine reports them. A larger automaton is dropped
 * and built again.
 */
export const AUTOMATON_BYTES_KEPT_MAX = 64 * KIB;

// Validation
/**
 * The maximum number of steps of a short validation. A validation that takes more steps starts again as a long one. A
 * step is one instruction for one character, and takes about 20 ns.
 */
export const VALIDATION_SHORT_STEPS_MAX = 4_000_000;
/**
 * The maximum length of a short validation's answer. If the answer is longer, the validation starts again and streams
 * its answer, because a single text of that length would block the front.
 */
export const VALIDATION_SHORT_ANSWER_CHARACTERS_MAX = 256 * KIB;
export const VIOLATIONS_LISTED_MAX = 100_000;
/** The maximum size of all violations in one answer, as JSON in UTF-8. */
export const VIOLATIONS_LISTED_BYTES_MAX = 16 * MIB;
