/**
 * Translates the text of one segment into the tokens of segment-glob.ts. Every dialect of globs has two wildcards: `*`
 * for any characters, and `?` for one character. Each dialect defines what `\` and `[` mean. Pure, any thread.
 */
import {
  ANY,
  type CharacterClass,
  CLASS_BASE,
  type SegmentGlob,
  segmentGlob,
  type SegmentTokens,
  STAR,
  unitsOf,
} from "./segment-glob.js";

/** The reason why a segment is malformed. The text completes an error message that begins with the glob. */
export class SegmentProblem {
  constructor(readonly problem: string) {}
}

/** A character that was read, and the offset after it. */
export interface ReadCharacter {
  readonly codePoint: number;
  readonly next: number;
}

/** A character class that was read, without its text, and the offset after its `]`. */
export interface ReadClass extends Omit<CharacterClass, "text"> {
  readonly next: number;
}

export interface SegmentDialect {
  /** Reads an escaped character. `at` is the offset of its `\`. */
  readonly readEscape: (text: string, at: number) => ReadCharacter | SegmentProblem;
  /**
   * Reads a character class. `at` is the offset after its `[`. Null if the dialect has no classes and reads `[`
   * literally.
   */
  readonly readClass: ((text: string, at: number) => ReadClass | SegmentProblem) | null;
}

/** Reads one character, which `\` may escape. Returns undefined at the end. */
export function readCharacter(text: string, at: number): ReadCharacter | undefined {
  const from = text[at] === "\\" ? at + 1 : at;
  const codePoint = text.codePointAt(from);
  return codePoint === undefined ? undefined : { codePoint, next: from + unitsOf(codePoint) };
}

/** Translates a segment into tokens. `text` must be well-formed Unicode. A character is a code point. */
export function readSegment(text: string, dialect: SegmentDialect): SegmentTokens | SegmentProblem {
  const { readEscape, readClass } = dialect;
  const tokens: number[] = [];
  const classes: CharacterClass[] = [];
  for (let at = 0; at < text.length; ) {
    const character = text[at];
    if (character === "*") {
      if (tokens.at(-1) !== STAR) tokens.push(STAR);
      at++;
    } else if (character === "?") {
      tokens.push(ANY);
      at++;
    } else if (character === "\\") {
      const read = readEscape(text, at);
      if (read instanceof SegmentProblem) return read;
      tokens.push(read.codePoint);
      at = read.next;
    } else if (character === "[" && readClass !== null) {
      const read = readClass(text, at + 1);
      if (read instanceof SegmentProblem) return read;
      tokens.push(CLASS_BASE - classes.length);
      classes.push({ text: text.slice(at, read.next), negated: read.negated, bounds: read.bounds });
      at = read.next;
    } else {
      const codePoint = text.codePointAt(at) as number;
      tokens.push(codePoint);
      at += unitsOf(codePoint);
    }
  }
  return { tokens, classes };
}

/** Compiles a segment. `text` must be well-formed Unicode. */
export function compileSegment(text: string, dialect: SegmentDialect): SegmentGlob | SegmentProblem {
  const read = readSegment(text, dialect);
  return read instanceof SegmentProblem ? read : segmentGlob(text, read);
}
