/**
 * Indexes the edges of a node that are labelled with globs, and finds the edges whose glob matches a segment. The node
 * belongs to the trie of pattern-index.ts. Each edge leads to its own target. Pure. Runs on the front.
 *
 * Up to UNFILED_EDGES_MAX edges are tested one after the other. More edges are indexed by literals, which every
 * matching segment must contain: the glob's prefix, its suffix, and pieces of the literal runs inside it (for `job-*x`
 * the prefix is `job-` and the suffix is `x`). Each edge is filed under only one of its literals, the one with the
 * fewest edges, so that a lookup considers few edges. A lookup first finds the literals that the segment contains. It
 * then tests the edges that are filed under them, if the segment contains all other literals of the edge, too. Globs
 * without any literal are always tested.
 *
 * `stepsMax` is an upper bound that depends only on the globs, and not on how they are filed. It counts each edge under
 * its rarest literal. This is correct, because an edge is tested only if the segment contains all of its literals. A
 * segment contains one prefix and one suffix of each length, and at most as many distinct pieces of a length as it has
 * characters.
 */
import { TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import type { SegmentGlob } from "../../base/segment-glob.js";

/** Up to this number of globs, testing each of them is faster than a lookup. */
const UNFILED_EDGES_MAX = 16;
/**
 * The maximum length of a piece. Globs are filed under pieces of their literal runs. The lengths of pieces are powers
 * of two, so that a lookup needs to try only few lengths.
 */
const PIECE_CHARS_MAX = 32;
/** The maximum number of literals of one glob that are indexed. The longest literals are chosen. */
const LITERALS_MAX = 4;

/** The steps that it takes to look up one piece, including the copy of the piece. */
const PIECE_STEPS = 2;
/** The number of characters of a prefix or suffix that can be copied and hashed in the time of one step. */
const END_CHARACTERS_A_STEP = 16;
/** The steps that it takes to check whether a segment contains all literals of an edge. */
const EDGE_STEPS = 1;
/**
 * The number of looks of a glob test that take as long as one step. A look is the unit in which segment-glob.ts counts
 * its work.
 */
export const LOOKS_A_STEP = 4;

interface Edge<Target> {
  readonly glob: SegmentGlob;
  readonly target: Target;
  /** The indexed literals of the glob. Empty if the edge is not filed. Such an edge is tested for every segment. */
  literals: readonly Literal<Target>[];
  filedUnder: Literal<Target> | undefined;
}

/** A literal that the globs of some edges contain. */
interface Literal<Target> {
  readonly table: LiteralTable<Target>;
  readonly text: string;
  /** The number of edges whose globs contain the literal. */
  users: number;
  /** The edges that are filed under the literal. */
  readonly edges: Edge<Target>[];
  /** The number of the newest lookup whose segment contains the literal. */
  seenBy: number;
  /** The steps that `LiteralSteps` has counted for the literal; 0 while no count is in progress. */
  steps: number;
}

function removeFrom<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  const last = items.pop();
  if (last !== undefined && last !== item) items[at] = last;
}

/**
 * Stores the literals of one kind (prefixes, suffixes or pieces), by text. Also stores their lengths: a lookup tries
 * only the parts of the segment that have one of these lengths.
 */
class LiteralTable<Target> {
  readonly literals = new Map<string, Literal<Target>>();
  /** The distinct lengths of the literals, ascending. */
  lengths: readonly number[] = [];
  readonly #countByLength = new Map<number, number>();

  /** Counts one more edge for a literal, and returns the literal. */
  use(text: string): Literal<Target> {
    let literal = this.literals.get(text);
    if (literal === undefined) {
      literal = { table: this, text, users: 0, edges: [], seenBy: 0, steps: 0 };
      this.literals.set(text, literal);
      this.#count(text.length, 1);
    }
    literal.users++;
    return literal;
  }

  /** Counts one edge less for a literal. Removes the literal if no edge has it any more. */
  release(literal: Literal<Target>): void {
    if (--literal.users > 0) return;
    this.literals.delete(literal.text);
    this.#count(literal.text.length, -1);
  }

  #count(length: number, change: 1 | -1): void {
    const count = (this.#countByLength.get(length) ?? 0) + change;
    if (count === 0) this.#countByLength.delete(length);
    else this.#countByLength.set(length, count);
    if (this.#countByLength.size !== this.lengths.length)
      this.lengths = [...this.#countByLength.keys()].sort((a, b) => a - b);
  }
}

/**
 * Returns the length of the pieces of a literal run: the largest power of two that is at most `runLength` and at most
 * PIECE_CHARS_MAX.
 */
function pieceLength(runLength: number): number {
  let length = 1;
  while (length * 2 <= runLength && length < PIECE_CHARS_MAX) length *= 2;
  return length;
}

/**
 * Splits a literal run into pieces of equal length. The last piece may overlap the previous one (`abcde` gives `abcd`
 * and `bcde`).
 */
function piecesOf(run: string): string[] {
  const length = pieceLength(run.length);
  const pieces: string[] = [];
  for (let at = 0; at + length < run.length; at += length) pieces.push(run.slice(at, at + length));
  pieces.push(run.slice(run.length - length));
  return pieces;
}

class Tables<Target> {
  readonly prefixes = new LiteralTable<Target>();
  readonly suffixes = new LiteralTable<Target>();
  readonly pieces = new LiteralTable<Target>();

  /**
   * Finds or creates the indexed literals of a glob, and counts the glob's edge for each of them. Returns the literals.
   */
  useOf({ runs: { prefix, suffix, inner } }: SegmentGlob): Literal<Target>[] {
    const found: { readonly table: LiteralTable<Target>; readonly text: string }[] = [];
    if (prefix !== "") found.push({ table: this.prefixes, text: prefix });
    if (suffix !== "") found.push({ table: this.suffixes, text: suffix });
    for (const text of new Set(inner.flatMap(piecesOf))) found.push({ table: this.pieces, text });
    return found
      .sort((a, b) => b.text.length - a.text.length)
      .slice(0, LITERALS_MAX)
      .map(({ table, text }) => table.use(text));
  }
}

/**
 * Adds up steps for each literal. Only one instance may be in use at a time, because the sums are stored in the
 * literals themselves.
 */
class LiteralSteps<Target> {
  readonly #counted: Literal<Target>[] = [];

  add(literal: Literal<Target>, steps: number): void {
    if (literal.steps === 0) this.#counted.push(literal);
    literal.steps += steps;
  }

  /**
   * Returns the largest sum of steps that one topic can cause, and resets all sums. One topic contains only a limited
   * number of literals of each length.
   */
  takeMost(tables: Tables<Target>, texts: number): number {
    const kinds = new Map([tables.prefixes, tables.suffixes, tables.pieces].map((table) => [table, new Lengths()]));
    for (const literal of this.#counted) {
      kinds.get(literal.table)?.add(literal.text.length, literal.steps);
      literal.steps = 0;
    }
    let sum = 0;
    for (const [table, lengths] of kinds)
      sum += lengths.most((length) => (table === tables.pieces ? piecesMax(length) : textsMax(texts, length)));
    return sum;
  }
}

/** Collects the steps of literals of one kind, by the length of the literal. */
class Lengths {
  readonly #steps = new Map<number, number[]>();

  add(length: number, steps: number): void {
    const others = this.#steps.get(length);
    if (others === undefined) this.#steps.set(length, [steps]);
    else others.push(steps);
  }

  /**
   * Adds up the largest steps of each length. `countOf` returns the maximum number of literals of a length that count.
   */
  most(countOf: (length: number) => number): number {
    let sum = 0;
    for (const [length, steps] of this.#steps) {
      const largest = Float64Array.from(steps).sort();
      for (const one of largest.subarray(Math.max(0, largest.length - countOf(length)))) sum += one;
    }
    return sum;
  }
}

/** Returns the maximum number of distinct pieces of a length that a topic can contain. */
function piecesMax(length: number): number {
  return Math.max(0, TOPIC_BYTES_MAX - length + 1);
}

/** Returns how many of `texts` segments can have at least a given length in one topic. */
function textsMax(texts: number, length: number): number {
  return Math.min(texts, Math.floor((TOPIC_BYTES_MAX + 1) / (length + 1)));
}

/** Returns the literal that the fewest edges have. If there are several such literals, it is the first of them. */
function rarest<Target>(literals: readonly Literal<Target>[]): Literal<Target> | undefined {
  let found = literals[0];
  for (const literal of literals) if (found === undefined || literal.users < found.users) found = literal;
  return found;
}

export class GlobEdges<Target> {
  readonly #edges = new Map<string, Edge<Target>>();
  /** The edges that are not filed under a literal. They are tested for every segment. */
  readonly #unfiled: Edge<Target>[] = [];
  /** The tables of literals; undefined while there are at most UNFILED_EDGES_MAX edges. */
  #tables: Tables<Target> | undefined = undefined;
  #lookup = 0;

  get size(): number {
    return this.#edges.size;
  }

  /** Returns the target of the edge whose glob has this text. */
  get(globText: string): Target | undefined {
    return this.#edges.get(globText)?.target;
  }

  /** Adds an edge. There must be no edge yet whose glob has the same text. */
  add(glob: SegmentGlob, target: Target): void {
    const edge: Edge<Target> = { glob, target, literals: [], filedUnder: undefined };
    this.#edges.set(glob.text, edge);
    if (this.#tables !== undefined) {
      this.#file(this.#tables, edge);
      return;
    }
    this.#unfiled.push(edge);
    if (this.#unfiled.length <= UNFILED_EDGES_MAX) return;
    this.#tables = new Tables();
    for (const each of this.#unfiled.splice(0)) this.#file(this.#tables, each);
  }

  delete(globText: string): void {
    const edge = this.#edges.get(globText);
    if (edge === undefined) return;
    this.#edges.delete(globText);
    if (edge.filedUnder === undefined) removeFrom(this.#unfiled, edge);
    else removeFrom(edge.filedUnder.edges, edge);
    for (const literal of edge.literals) literal.table.release(literal);
    if (this.#tables === undefined || this.#edges.size > UNFILED_EDGES_MAX) return;
    // Drop the tables. Otherwise an index that has shrunk would take more steps than an index that has always been
    // small.
    this.#tables = undefined;
    this.#unfiled.length = 0;
    for (const each of this.#edges.values()) {
      each.literals = [];
      each.filedUnder = undefined;
      this.#unfiled.push(each);
    }
  }

  /**
   * Returns an upper bound of the steps that all lookups for one topic take, whatever the topic is. The steps of the
   * targets that the lookups find are included. The bound depends only on the globs, and not on how they are filed.
   * @param texts the number of segments that are looked up: 1, or the maximum number of segments of a topic
   * @param stepsOf returns the steps of a target, for all lookups together
   */
  stepsMax(texts: number, stepsOf: (target: Target) => number): number {
    const isFiled = this.#tables !== undefined;
    const tables = this.#tables ?? new Tables<Target>();
    const literalsOf = new Map<Edge<Target>, readonly Literal<Target>[]>();
    // Count the edges of all literals first. Only then is the rarest literal of each edge known.
    if (!isFiled) for (const edge of this.#edges.values()) literalsOf.set(edge, tables.useOf(edge.glob));
    let steps = isFiled ? this.#lookupSteps(tables, texts) : 0;
    const ofLiterals = new LiteralSteps<Target>();
    for (const edge of this.#edges.values()) {
      const literal = rarest(isFiled ? edge.literals : (literalsOf.get(edge) ?? []));
      const test = edge.glob.looksMax(texts, TOPIC_BYTES_MAX) / LOOKS_A_STEP;
      const further = stepsOf(edge.target);
      // An edge that is not filed is tested for every segment. But the search continues at its target only if the
      // segment contains the edge's literal.
      if (literal === undefined) steps += test + further;
      else if (isFiled) ofLiterals.add(literal, test + further);
      else {
        steps += test;
        ofLiterals.add(literal, further);
      }
    }
    return Math.ceil(steps + ofLiterals.takeMost(tables, texts));
  }

  /**
   * Returns an upper bound of two kinds of steps: those of the lookups of literals, and those of the checks whether the
   * segment contains all literals of an edge.
   */
  #lookupSteps(tables: Tables<Target>, texts: number): number {
    let steps = texts;
    for (const { lengths } of [tables.prefixes, tables.suffixes])
      for (const length of lengths) steps += textsMax(texts, length) * (1 + length / END_CHARACTERS_A_STEP);
    for (const length of tables.pieces.lengths) steps += piecesMax(length) * PIECE_STEPS;

    // An edge may be filed under any of its literals, so the worst of them counts.
    let filed = 0;
    const checks = new LiteralSteps<Target>();
    for (const { literals } of this.#edges.values()) {
      if (literals.length < 2) continue;
      let most = 0;
      for (const literal of literals) {
        const times = textsMax(texts, literal.text.length);
        checks.add(literal, times);
        most = Math.max(most, times);
      }
      filed += most;
    }
    return steps + EDGE_STEPS * Math.min(filed, checks.takeMost(tables, texts));
  }

  /**
   * Calls `take` with the target of each edge whose glob matches the segment, once for each edge.
   * @returns the steps of the lookups, without the steps of the glob tests
   */
  forEachMatch(segment: string, take: (target: Target) => void): number {
    for (const edge of this.#unfiled) if (edge.glob.matches(segment)) take(edge.target);
    if (this.#tables === undefined) return 0;

    let steps = 1;
    const lookup = ++this.#lookup;
    const found: Literal<Target>[] = [];
    const see = (literal: Literal<Target> | undefined): void => {
      if (literal === undefined || literal.seenBy === lookup) return;
      literal.seenBy = lookup;
      if (literal.edges.length > 0) found.push(literal);
    };
    const { prefixes, suffixes, pieces } = this.#tables;
    for (const length of prefixes.lengths) {
      if (length > segment.length) break;
      steps += 1 + length / END_CHARACTERS_A_STEP;
      see(prefixes.literals.get(segment.slice(0, length)));
    }
    for (const length of suffixes.lengths) {
      if (length > segment.length) break;
      steps += 1 + length / END_CHARACTERS_A_STEP;
      see(suffixes.literals.get(segment.slice(segment.length - length)));
    }
    for (const length of pieces.lengths) {
      if (length > segment.length) break;
      steps += PIECE_STEPS * (segment.length - length + 1);
      for (let at = 0; at + length <= segment.length; at++) see(pieces.literals.get(segment.slice(at, at + length)));
    }
    for (const { edges } of found) {
      for (const edge of edges) {
        if (edge.literals.length > 1) steps += EDGE_STEPS;
        if (hasSeenAll(edge, lookup) && edge.glob.matches(segment)) take(edge.target);
      }
    }
    return steps;
  }

  /**
   * Files an edge under the one of its literals that has the fewest filed edges. Of several such literals, it takes the
   * longest, which comes first.
   */
  #file(tables: Tables<Target>, edge: Edge<Target>): void {
    edge.literals = tables.useOf(edge.glob);
    let fewest = edge.literals[0];
    for (const literal of edge.literals)
      if (fewest === undefined || literal.edges.length < fewest.edges.length) fewest = literal;
    edge.filedUnder = fewest;
    (fewest?.edges ?? this.#unfiled).push(edge);
  }
}

/** Whether the segment of a lookup contains all indexed literals of an edge. */
function hasSeenAll<Target>({ literals }: Edge<Target>, lookup: number): boolean {
  for (const literal of literals) if (literal.seenBy !== lookup) return false;
  return true;
}
