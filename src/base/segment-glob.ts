/**
 * Compiles one segment of a pattern: `*`, `?`, `[a-z]`, `[^a-z]`, `\`. The users of this module split patterns into
 * segments and handle `**` themselves. Topics are split on `.` (topics/pattern.ts). Paths of files are split on `/`
 * (rules/file-glob.ts), with the classes of gitignore (rules/file-segment.ts). Names of leases are split on `/`, too,
 * in a grammar without classes (path-glob.ts). Pure, any thread.
 * Not picomatch: it has another grammar, and its regular expressions backtrack: `*a` five times before a `b` takes them
 * 4.8 s against 120 characters. Matching here backtracks only to the last `*`, and switches to a method without
 * backtracking if that takes long (token-set.ts). The worst case takes one word operation for each character of the
 * text and each 32 tokens.
 */
import { TokenSet, type TokenTest } from "./token-set.js";

/**
 * Tokens are numbers. A token that is not negative is a literal code point. CLASS_BASE and the tokens below it are
 * classes. STAR is `*`, and ANY is `?`.
 */
export const STAR = -1;
export const ANY = -2;
export const CLASS_BASE = -3;

export interface CharacterClass {
  readonly negated: boolean;
  /** Inclusive bounds, in pairs. */
  readonly bounds: readonly number[];
}

/** Literal texts that every matching segment must contain. An index can store a pattern under them. */
export interface LiteralRuns {
  /** The literal text at the start and the one at the end; "" if there is none. */
  readonly prefix: string;
  readonly suffix: string;
  readonly inner: readonly string[];
}

export interface SegmentGlob {
  /** The segment as it was written. */
  readonly text: string;
  /** The only text that the segment matches, if it has no wildcards; `runs` is then empty. */
  readonly literal: string | undefined;
  readonly runs: LiteralRuns;
  /** Code points, and wildcards as negative numbers. */
  readonly tokens: readonly number[];
  matches(segment: string): boolean;
  /** Returns whether some segment matches both globs. It supports only globs without classes. */
  meets(other: SegmentGlob): boolean;
}

function unitsOf(code_point: number): number {
  return code_point > 0xffff ? 2 : 1;
}

/**
 * Reads one character of a class of path.Match, which `\` may escape. Returns undefined if no character is allowed
 * here.
 */
function readClassCharacter(text: string, at: number): { codePoint: number; next: number } | undefined {
  const first = text[at];
  return first === "-" || first === "]" ? undefined : readCharacter(text, at);
}

/** Reads one character, which `\` may escape. Returns undefined at the end. */
export function readCharacter(text: string, at: number): { codePoint: number; next: number } | undefined {
  const from = text[at] === "\\" ? at + 1 : at;
  const code_point = text.codePointAt(from);
  return code_point === undefined ? undefined : { codePoint: code_point, next: from + unitsOf(code_point) };
}

/** Reads a class of path.Match; `at` is after its `[`. Returns undefined if the class is malformed or has no end. */
function readClass(text: string, at: number): { parsed: CharacterClass; next: number } | undefined {
  const negated = text[at] === "^";
  let from = negated ? at + 1 : at;
  const bounds: number[] = [];
  for (;;) {
    if (text[from] === "]" && bounds.length > 0) return { parsed: { negated, bounds }, next: from + 1 };
    const low = readClassCharacter(text, from);
    if (low === undefined) return undefined;
    let high = low;
    if (text[low.next] === "-") {
      const end = readClassCharacter(text, low.next + 1);
      if (end === undefined) return undefined;
      high = end;
    }
    bounds.push(low.codePoint, high.codePoint);
    from = high.next;
  }
}

function classHolds({ negated, bounds }: CharacterClass, code_point: number): boolean {
  for (let at = 0; at < bounds.length; at += 2) {
    if (code_point >= (bounds[at] as number) && code_point <= (bounds[at + 1] as number)) return !negated;
  }
  return negated;
}

/**
 * Backtracking may check this many tokens for each character of text and pattern. After that, matching switches to the
 * method without backtracking.
 */
const LOOKS_A_CHARACTER = 2;

/** Matches a text by backtracking. Returns null if that would take long. */
function matchTokens(tokens: readonly number[], classes: readonly CharacterClass[], segment: string): boolean | null {
  let looks_left = (tokens.length + segment.length) * LOOKS_A_CHARACTER;
  let token_at = 0;
  let at = 0;
  let star_token = -1;
  let star_at = 0;
  while (at < segment.length) {
    if (--looks_left < 0) return null;
    const code_point = segment.codePointAt(at) as number;
    if (token_at < tokens.length) {
      const token = tokens[token_at] as number;
      if (token === STAR) {
        star_token = token_at++;
        star_at = at;
        continue;
      }
      if (
        token === code_point ||
        token === ANY ||
        (token <= CLASS_BASE && classHolds(classes[CLASS_BASE - token] as CharacterClass, code_point))
      ) {
        token_at++;
        at += unitsOf(code_point);
        continue;
      }
    }
    if (star_token < 0) return false;
    // It is enough to let the last star match one more character. Another try with an earlier star cannot help, because
    // the last one can match every character that the earlier one would leave to it.
    star_at += unitsOf(segment.codePointAt(star_at) as number);
    at = star_at;
    token_at = star_token + 1;
  }
  while (tokens[token_at] === STAR) token_at++;
  return token_at === tokens.length;
}

function literalRuns(tokens: readonly number[]): { all: string | undefined; runs: LiteralRuns } {
  const runs: string[] = [""];
  for (const token of tokens) {
    if (token >= 0) runs[runs.length - 1] += String.fromCodePoint(token);
    else runs.push("");
  }
  if (runs.length === 1) return { all: runs[0] ?? "", runs: { prefix: "", suffix: "", inner: [] } };
  return {
    all: undefined,
    runs: { prefix: runs[0] ?? "", suffix: runs.at(-1) ?? "", inner: runs.slice(1, -1).filter((run) => run !== "") },
  };
}

/**
 * Compiles one segment; returns undefined if it is malformed. `text` is well-formed Unicode, and characters are code
 * points. The grammar is that of path.Match in Go, except that `/` is an ordinary character. In a class, `-` and `]`
 * must be escaped where a character is expected, so `[]`, `[]a]`, `[-a]` and `[a-]` are malformed. An inverted range
 * such as `[z-a]` contains no character. `!` does not negate.
 */
export function compileSegment(text: string): SegmentGlob | undefined {
  const tokens: number[] = [];
  const classes: CharacterClass[] = [];
  for (let at = 0; at < text.length; ) {
    const code_point = text.codePointAt(at) as number;
    at += unitsOf(code_point);
    switch (text[at - 1]) {
      case "*":
        if (tokens.at(-1) !== STAR) tokens.push(STAR);
        break;
      case "?":
        tokens.push(ANY);
        break;
      case "\\": {
        const escaped = text.codePointAt(at);
        if (escaped === undefined) return undefined;
        tokens.push(escaped);
        at += unitsOf(escaped);
        break;
      }
      case "[": {
        const read = readClass(text, at);
        if (read === undefined) return undefined;
        tokens.push(CLASS_BASE - classes.length);
        classes.push(read.parsed);
        at = read.next;
        break;
      }
      default:
        tokens.push(code_point);
    }
  }
  return segmentGlob(text, tokens, classes);
}

/**
 * The characters that `\` makes literal in the grammar without classes. They are the wildcards, and characters that
 * other code rejects or expands.
 */
export const PLAIN_ESCAPABLE = "*?\\{},;|! ";

/**
 * Compiles one segment in the grammar without classes: `*`, `?`, and `\` before one of PLAIN_ESCAPABLE. Everything else
 * is literal, so no text is malformed.
 */
export function compilePlainSegment(text: string): SegmentGlob {
  const tokens: number[] = [];
  for (let at = 0; at < text.length; ) {
    const code_point = text.codePointAt(at) as number;
    const character = text[at];
    at += unitsOf(code_point);
    if (character === "*") {
      if (tokens.at(-1) !== STAR) tokens.push(STAR);
    } else if (character === "?") {
      tokens.push(ANY);
    } else if (character === "\\" && at < text.length && PLAIN_ESCAPABLE.includes(text[at] as string)) {
      tokens.push(text.codePointAt(at++) as number);
    } else {
      tokens.push(code_point);
    }
  }
  return segmentGlob(text, tokens, []);
}

/** Converts tokens into the tests of a TokenSet. */
function testsOf(tokens: readonly number[], classes: readonly CharacterClass[]): TokenTest[] {
  return tokens.map((token): TokenTest => {
    if (token === STAR) return null;
    if (token === ANY) return "any";
    if (token > CLASS_BASE) return token;
    const one = classes[CLASS_BASE - token] as CharacterClass;
    return (code_point) => classHolds(one, code_point);
  });
}

function startsMeet(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function endsMeet(a: string, b: string): boolean {
  return a.endsWith(b) || b.endsWith(a);
}

/**
 * Builds the glob of a list of tokens. `classes` are the classes to which the tokens refer, in the order of their
 * numbers.
 */
export function segmentGlob(text: string, tokens: readonly number[], classes: readonly CharacterClass[]): SegmentGlob {
  const { all: literal, runs } = literalRuns(tokens);
  if (literal !== undefined) {
    return {
      text,
      literal,
      runs,
      tokens,
      matches: (segment) => segment === literal,
      meets: (other) => other.matches(literal),
    };
  }
  const { prefix, suffix, inner } = runs;
  if (tokens.length === 1 && tokens[0] === STAR)
    return { text, literal, runs, tokens, matches: () => true, meets: () => true };

  const wildcards = tokens.filter((token) => token < 0);
  const units_min =
    prefix.length + suffix.length + inner.join("").length + wildcards.filter((token) => token !== STAR).length;
  const only_one_star = wildcards.length === 1 && wildcards[0] === STAR;
  let set: TokenSet | null = null;
  const tokenSet = (): TokenSet => (set ??= new TokenSet(testsOf(tokens, classes)));
  return {
    text,
    literal,
    runs,
    tokens,
    matches(segment) {
      if (segment.length < units_min || !segment.startsWith(prefix) || !segment.endsWith(suffix)) return false;
      return only_one_star || (matchTokens(tokens, classes, segment) ?? tokenSet().matches(segment));
    },
    meets(other) {
      if (other.literal !== undefined) return this.matches(other.literal);
      if (!startsMeet(prefix, other.runs.prefix) || !endsMeet(suffix, other.runs.suffix)) return false;
      return tokenSet().meets(testsOf(other.tokens, []));
    },
  };
}
