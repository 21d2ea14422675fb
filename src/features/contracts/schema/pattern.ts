/**
 * Compiles patterns of JSON Schema with RE2, whose matching time is linear in the length of the text. ECMAScript syntax
 * that RE2 lacks is translated first (pattern-translator.ts). Runs in the pool.
 */
import { RULE_PATTERN_BYTES_MAX, RULE_REPETITIONS_MAX } from "../../../../schemas/limits/rules.js";
import { utf8Length } from "../../../../schemas/text.js";
import { Failure } from "../../../base/result.js";
import { compileRegex, isPropertyKnown, type Regex } from "../../rules/regex.js";
import type { CheckSteps } from "../check-steps.js";
import { countCodePoints } from "./code-points.js";
import { PatternTranslator, UnusablePattern, type TranslatedPattern } from "./pattern-translator.js";

/** The cost of starting a match, in steps. */
const PATTERN_STEPS = 8;

export interface Pattern {
  /** The number of instructions of the compiled pattern. */
  readonly instructions: number;
  test(text: string, steps: CheckSteps): boolean;
}

/** Compiles a pattern. If RE2 cannot match it, returns the reason as text. */
export function compilePattern(source: string): Pattern | string {
  if (utf8Length(source) > RULE_PATTERN_BYTES_MAX) return `it is longer than ${RULE_PATTERN_BYTES_MAX} bytes`;
  const translated = translate(source);
  if (typeof translated === "string") return translated;
  const { text, repetition } = translated;
  const regex = compileRegex(repetition === null ? text : `^${repetition.character}*$`, Number.POSITIVE_INFINITY);
  if (regex instanceof Failure) return regex.message.replace(/^pattern /, "");
  const { size: instructions } = regex;
  if (repetition === null) return { instructions, test: (value, steps) => matches(regex, value, steps) };
  const { least, most } = repetition;
  return {
    instructions,
    test: (value, steps) => {
      const count = countCodePoints(value);
      return count >= least && count <= most && matches(regex, value, steps);
    },
  };
}

function translate(source: string): TranslatedPattern | string {
  try {
    return new PatternTranslator(source, { knows: isPropertyKnown, countMax: RULE_REPETITIONS_MAX }).translate();
  } catch (error) {
    if (error instanceof UnusablePattern) return error.message;
    throw error;
  }
}

function matches(regex: Regex, text: string, steps: CheckSteps): boolean {
  steps.take(PATTERN_STEPS);
  const found = regex.testMetered(text, steps);
  regex.trim();
  return found;
}
