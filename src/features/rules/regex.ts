/**
 * Compiles regexes in RE2 syntax. The engine is re2js, whose matching time is linear in the length of the text. Only
 * this file depends on re2js. Three limits bound the cost of compiling: the length of the source, the number of its
 * counted repetitions, and the size of the compiled program. Runs in the pool, because compiling and matching may take
 * milliseconds.
 */
import type * as Re2 from "re2js";
import {
  AUTOMATON_BYTES_KEPT_MAX,
  RULE_PATTERN_BYTES_MAX,
  RULE_PROGRAM_INSTRUCTIONS_MAX,
  RULE_REPETITIONS_MAX,
} from "../../../schemas/limits/rules.js";
import { isLongerThan } from "../../../schemas/text.js";
import { must } from "../../base/assert.js";
import { Failure, invalid } from "../../base/result.js";

type Engine = typeof Re2;
type Program = Re2.RE2JS;

/** The maximum number of names in the cache of `isPropertyKnown`. */
const PROPERTIES_KEPT_MAX = 1_000;

let loaded: Engine | undefined;

/** Loads the engine. Must be called once in each thread, before the first regex is compiled. */
export async function loadRegexEngine(): Promise<void> {
  loaded ??= await import("re2js");
}

function engine(): Engine {
  return must(loaded, "the regex engine is loaded");
}

/** The engine's opcode for instructions that test a position in the text. */
const EMPTY_WIDTH = 4;
const BEGIN_OR_END_OF_TEXT = 4 | 8;

/** Returns whether a program tests for the start or the end of the whole text. */
function asksForText(program: Program): boolean {
  const { inst } = (
    program.re2() as { readonly prog: { readonly inst: readonly { readonly op: number; readonly arg: number }[] } }
  ).prog;
  return inst.some(({ op, arg }) => op === EMPTY_WIDTH && (arg & BEGIN_OR_END_OF_TEXT) !== 0);
}

/**
 * Adds up the counts of all repetitions `{n}`, `{n,}` and `{n,m}` in a regex. Skips escaped characters, and numbers
 * such as 2028 in `\x{2028}`.
 */
function countRepetitions(source: string): number {
  let sum = 0;
  for (const [, least = "0", most] of source.matchAll(/\\x\{[^}]*\}|\\.|\{(\d+),?(\d+)?\}/gs))
    sum += Math.max(Number(least), Number(most ?? 0));
  return sum;
}

/** Bounds the cost of matches. One match reports its steps to the meter while it runs. */
export interface RegexMeter {
  /**
   * The id of the metered work. When a match has another id than the previous match, the automaton's cache is cleared
   * first. So the cost of the same work never depends on earlier work.
   */
  readonly id: number;
  /**
   * Subtracts steps from the remaining steps.
   * @throws if too few steps are left
   */
  take(steps: number): void;
}

/**
 * The number of steps that each instruction of a new automaton state costs. Following one instruction takes about 70
 * ns.
 */
const STEPS_AN_INSTRUCTION = 2;
/**
 * The number of character classes that cost one step. A new automaton state may have a table with one entry for each
 * class.
 */
const CLASSES_A_STEP = 128;

/**
 * The engine's lazy automaton (DFA). It adds each state when a text first needs the state. The names are the engine's
 * own.
 */
interface Automaton {
  readonly maxMem: number;
  readonly memBudget: number;
  readonly numClasses: number;
  clearCache(): void;
  /** Computes a new state, and returns its instructions. This is the slow part of a match. */
  closure(pcs: readonly number[], flag: number): { readonly pcs: readonly number[] };
  /** Returns null if the automaton would become too large. The engine then tries all instructions at each character. */
  match(input: unknown, pos: number, anchor: number): boolean | null;
}

export class Regex {
  readonly #program: Program;
  #meter: RegexMeter | null = null;
  #meteredAs = 0;
  #metered: Automaton | null = null;
  /**
   * A program that searches several lines at once. It matches if the regex matches within one of the lines. Null if
   * there is no such program.
   */
  readonly #anywhere: Program | null;

  constructor(program: Program, anywhere: Program | null) {
    this.#program = program;
    this.#anywhere = anywhere;
  }

  /** The number of instructions of the program. It is also the maximum number of steps for one character of text. */
  get size(): number {
    return this.#program.programSize();
  }

  /** Returns whether the regex matches anywhere in the text. */
  test(text: string): boolean {
    return this.#program.test(text);
  }

  /**
   * Does the same as `test`, but reports the cost to the meter while the match runs.
   * @throws the error of the meter
   */
  testMetered(text: string, meter: RegexMeter): boolean {
    const automaton = this.#metered ?? this.#watch();
    if (this.#meteredAs !== meter.id) automaton.clearCache();
    this.#meteredAs = meter.id;
    meter.take(text.length);
    this.#meter = meter;
    try {
      return this.#program.test(text);
    } finally {
      this.#meter = null;
    }
  }

  /** Wraps the methods of the automaton, so that it reports its cost to the current meter. */
  #watch(): Automaton {
    const { dfa: automaton } = this.#program.re2() as unknown as { readonly dfa: Automaton };
    const closure = automaton.closure.bind(automaton);
    const match = automaton.match.bind(automaton);
    automaton.closure = (pcs, flag) => {
      const state = closure(pcs, flag);
      this.#meter?.take(state.pcs.length * STEPS_AN_INSTRUCTION + automaton.numClasses / CLASSES_A_STEP);
      return state;
    };
    automaton.match = (input, pos, anchor) => {
      const found = match(input, pos, anchor);
      if (found === null)
        this.#meter?.take((input as { endPos(): number }).endPos() * this.size * STEPS_AN_INSTRUCTION);
      return found;
    };
    this.#metered = automaton;
    return automaton;
  }

  /**
   * Returns the first match in the text; null if there is none.
   * @param allows returns whether the search may take this number of steps (instructions times characters). If it
   * returns false, `find` returns null
   */
  find(text: string, allows: (steps: number) => boolean): string | null {
    if (!this.#program.test(text) || !allows(this.size * text.length)) return null;
    const matcher = this.#program.matcher(text);
    return matcher.find() ? matcher.group() : null;
  }

  /**
   * Returns false if certainly no line of the text matches. It searches the whole text once, which is many times faster
   * than a search of each line.
   * @param text a text whose lines end with "\n"
   */
  mayMatchLine(text: string): boolean {
    return this.#anywhere === null || this.#anywhere.test(text);
  }

  /**
   * Frees memory that earlier matches have taken. The automaton's cache is cleared only if it exceeds
   * AUTOMATON_BYTES_KEPT_MAX.
   */
  trim(): void {
    for (const program of this.#anywhere === null || this.#anywhere === this.#program
      ? [this.#program]
      : [this.#program, this.#anywhere]) {
      program.reset();
      const automaton = program.re2().lazyDFA as Automaton | null;
      if (automaton !== null && automaton.maxMem - automaton.memBudget > AUTOMATON_BYTES_KEPT_MAX)
        automaton.clearCache();
    }
  }
}

/**
 * Returns a program that searches all lines of a text at once. It matches the text if `program` matches within one of
 * the lines. It may also match other texts. Returns null if there is no such program.
 *
 * If a regex has no `^`, `$`, `\A` or `\z`, the result is `program` itself, because a match depends only on the matched
 * characters. (At the edge of a line, `\b` matches as at the edge of a text.) Any other regex is compiled with `(?m)`,
 * so that `^` and `$` also match at the edges of lines. If the new program still tests for the edges of the whole text
 * (for example by `\A`), it cannot search several lines.
 */
function programForLines(program: Program, source: string): Program | null {
  if (!asksForText(program)) return program;
  const { RE2JS } = engine();
  const multiline = RE2JS.compile(source, RE2JS.MULTILINE);
  return asksForText(multiline) ? null : multiline;
}

const properties = new Map<string, boolean>();

/** Returns whether RE2 has a character class with this name, as in `\p{Greek}`. */
export function isPropertyKnown(property: string): boolean {
  let known = properties.get(property);
  if (known === undefined) {
    known = /^\^?\w+$/.test(property) && !(compileRegex(`\\p{${property}}`) instanceof Failure);
    if (properties.size >= PROPERTIES_KEPT_MAX) properties.clear();
    properties.set(property, known);
  }
  return known;
}

/**
 * Compiles a regex. If it does not compile, returns a 400 with the reason. The message calls the regex "pattern",
 * because that is its name in requests.
 * @param charactersMax the maximum length of the source
 */
export function compileRegex(source: string, charactersMax = RULE_PATTERN_BYTES_MAX): Regex | Failure {
  if (isLongerThan(source, charactersMax)) return invalid(`pattern is longer than ${charactersMax} characters`);
  if (countRepetitions(source) > RULE_REPETITIONS_MAX)
    return invalid(`pattern repeats more than ${RULE_REPETITIONS_MAX} times`);
  const { RE2JS, RE2JSException } = engine();
  try {
    const program = RE2JS.compile(source);
    if (program.programSize() > RULE_PROGRAM_INSTRUCTIONS_MAX)
      return invalid(
        `pattern is too large: ${program.programSize()} instructions, at most ${RULE_PROGRAM_INSTRUCTIONS_MAX}`,
      );
    return new Regex(program, programForLines(program, source));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return invalid(`pattern does not compile: ${error.message.replace(/^error parsing regexp: /, "")}`);
  }
}

/** Returns the number of instructions of the compiled regex, or the error if it does not compile. */
export function sizeOfRegex(source: string): number | Failure {
  const compiled = compileRegex(source);
  return compiled instanceof Failure ? compiled : compiled.size;
}
