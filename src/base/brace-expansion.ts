/**
 * Expands braces in globs: `a.{ts,tsx}` becomes `a.ts` and `a.tsx`. Braces may be nested, and a `\` before a brace or a
 * comma makes it literal. A glob with braces may also be the exact name of a file. So the last result is the glob with
 * all its braces made literal. Pure.
 *
 * Not npm's brace-expansion: it leaves unbalanced braces as they are, and truncates a list that is too long without an
 * error.
 */
import { GLOB_ALTERNATIVES_MAX } from "../../schemas/limits/names.js";

/** The reason why braces cannot be expanded. The text completes an error message that begins with the glob. */
export class BraceProblem {
  constructor(readonly problem: string) {}
}

const TOO_MANY = new BraceProblem(`must not stand for more than ${GLOB_ALTERNATIVES_MAX} alternatives`);
const UNBALANCED = new BraceProblem("has a brace without its other one: write \\{ or \\} for one in a name");
const RANGE = /^(?:-?\d+\.\.-?\d+|[A-Za-z]\.\.[A-Za-z])(?:\.\.-?\d+)?$/;

/**
 * Expands a glob into globs without braces.
 * @returns the alternatives in their order, at most GLOB_ALTERNATIVES_MAX, then the glob with literal braces
 */
export function expandBraces(glob: string): readonly string[] | BraceProblem {
  if (!/[{}]/.test(glob)) return [glob];
  const read = readSequence(glob, 0, 0);
  if (read instanceof BraceProblem) return read;
  const { alternatives } = read;
  // If every brace is escaped, the only alternative is the glob itself. It needs no second copy.
  if (alternatives.length === 1 && alternatives[0] === glob) return alternatives;
  return [...alternatives, spellBraces(glob)];
}

interface Read {
  readonly alternatives: readonly string[];
  /** The offset at which the reader continues. */
  readonly next: number;
}

/**
 * Reads literal text and groups until the text ends. Inside a group, it stops at the group's `,` or `}`.
 * @param depth the number of open groups
 */
function readSequence(glob: string, start: number, depth: number): Read | BraceProblem {
  let alternatives: readonly string[] = [""];
  let at = start;
  while (at < glob.length) {
    const character = glob[at] as string;
    if (depth > 0 && (character === "," || character === "}")) break;
    if (character === "}") return UNBALANCED;
    if (character !== "{") {
      const end = character === "\\" ? at + 2 : at + 1;
      const text = glob.slice(at, end);
      alternatives = alternatives.map((before) => before + text);
      at = end;
      continue;
    }
    const group = readGroup(glob, at + 1, depth + 1);
    if (group instanceof BraceProblem) return group;
    if (alternatives.length * group.alternatives.length > GLOB_ALTERNATIVES_MAX) return TOO_MANY;
    alternatives = alternatives.flatMap((before) => group.alternatives.map((text) => before + text));
    at = group.next;
  }
  return { alternatives, next: at };
}

/** Reads the alternatives of a group. `start` is after the group's `{`, and `next` of the result is after its `}`. */
function readGroup(glob: string, start: number, depth: number): Read | BraceProblem {
  const alternatives: string[] = [];
  for (let at = start; ; ) {
    const read = readSequence(glob, at, depth);
    if (read instanceof BraceProblem) return read;
    alternatives.push(...read.alternatives);
    if (alternatives.length > GLOB_ALTERNATIVES_MAX) return TOO_MANY;
    const end = glob[read.next];
    if (end === undefined) return UNBALANCED;
    at = read.next + 1;
    if (end === ",") continue;
    const inside = glob.slice(start, read.next);
    if (RANGE.test(inside)) return new BraceProblem(`has a range in braces, {${inside}}: write each alternative`);
    return { alternatives, next: at };
  }
}

/** Makes the braces of a glob, and the commas between them, literal by escaping them. */
function spellBraces(glob: string): string {
  return glob.replaceAll(/\\.|[{},]/gsu, (part) => (part.startsWith("\\") ? part : `\\${part}`));
}
