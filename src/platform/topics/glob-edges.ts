/**
 * Stores those edges of a node in the pattern index whose label is a segment glob, and finds the edges that match a
 * segment. Each edge leads to its own target. Pure. Runs on the front.
 *
 * A few edges are tested one after the other. Many edges are indexed: each edge is filed under one literal that every
 * matching segment must contain. Such a literal is the glob's prefix, its suffix, or a piece of a literal run inside
 * it. Of these literals, the edge is filed under the one whose bucket has the fewest edges. For a segment, only the
 * edges whose literal it contains are tested. Globs without any literal are always tested.
 */
import { TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import { STAR, type SegmentGlob } from "../../base/segment-glob.js";

/** If there are at most this many globs, testing each is faster than a lookup. */
const UNFILED_EDGES_MAX = 16;
/**
 * The maximum length of a piece of a literal run under which a glob is filed. Pieces have 1, 2, 4 … characters, because
 * a lookup tries each length, and so there are few of them.
 */
const PIECE_CHARS_MAX = 32;

/**
 * The steps of looking up all pieces of one length in the longest segment. A piece costs two steps, as it is copied.
 */
const PIECES_STEPS = 2 * TOPIC_BYTES_MAX;
/**
 * The steps of testing a glob with several wildcards against a long segment: a fixed number, and half a step for each
 * token.
 */
const TEST_STEPS = 16;
const TEST_STEPS_A_TOKEN = 0.5;

interface Edge<Target> {
  readonly glob: SegmentGlob;
  readonly target: Target;
  /** The bucket that holds the edge; undefined if the edge is not filed, because every segment tests it. */
  filedUnder: { readonly table: LiteralTable<Target>; readonly key: string } | undefined;
}

interface Bucket<Target> {
  readonly edges: Edge<Target>[];
  /**
   * The number of the last lookup that visited this bucket. It prevents a second visit if a segment contains the
   * literal twice.
   */
  openedBy: number;
}

function removeFrom<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  const last = items.pop();
  if (last !== undefined && last !== item) items[at] = last;
}

/**
 * Buckets of edges, by literal. The table also knows the lengths of its literals, so that a lookup tries only pieces of
 * the segment with one of these lengths.
 */
class LiteralTable<Target> {
  readonly buckets = new Map<string, Bucket<Target>>();
  /** The distinct lengths of the keys, ascending. */
  lengths: readonly number[] = [];
  readonly #keysByLength = new Map<number, number>();

  add(key: string, edge: Edge<Target>): void {
    const bucket = this.buckets.get(key);
    if (bucket !== undefined) {
      bucket.edges.push(edge);
      return;
    }
    this.buckets.set(key, { edges: [edge], openedBy: 0 });
    this.#countKey(key.length, 1);
  }

  delete(key: string, edge: Edge<Target>): void {
    const bucket = this.buckets.get(key);
    if (bucket === undefined) return;
    removeFrom(bucket.edges, edge);
    if (bucket.edges.length > 0) return;
    this.buckets.delete(key);
    this.#countKey(key.length, -1);
  }

  #countKey(length: number, change: 1 | -1): void {
    const count = (this.#keysByLength.get(length) ?? 0) + change;
    if (count === 0) this.#keysByLength.delete(length);
    else this.#keysByLength.set(length, count);
    if (this.#keysByLength.size !== this.lengths.length)
      this.lengths = [...this.#keysByLength.keys()].sort((a, b) => a - b);
  }
}

class Tables<Target> {
  readonly prefixes = new LiteralTable<Target>();
  readonly suffixes = new LiteralTable<Target>();
  readonly pieces = new LiteralTable<Target>();
}

/** Returns the largest power of two that is at most `runLength` and at most PIECE_CHARS_MAX. */
function pieceLength(runLength: number): number {
  let length = 1;
  while (length * 2 <= runLength && length < PIECE_CHARS_MAX) length *= 2;
  return length;
}

/** Where the only wildcard of a glob is, if that is one star at its start or end. */
type StarPlace = "alone" | "start" | "end";

function onlyStar({ tokens }: SegmentGlob): StarPlace | undefined {
  if (tokens.filter((token) => token < 0).length !== 1) return undefined;
  if (tokens.length === 1) return tokens[0] === STAR ? "alone" : undefined;
  if (tokens[0] === STAR) return "start";
  return tokens.at(-1) === STAR ? "end" : undefined;
}

/** Adds up the steps of edges that have one literal each. A segment contains at most one literal of each length. */
class LiteralSteps {
  readonly #byLiteral = new Map<string, number>();

  add(literal: string, steps: number): void {
    this.#byLiteral.set(literal, (this.#byLiteral.get(literal) ?? 0) + steps);
  }

  /** The most steps of one segment: for each length the lookup, and the literal with the most steps. */
  get most(): number {
    const byLength = new Map<number, number>();
    for (const [{ length }, steps] of this.#byLiteral) byLength.set(length, Math.max(byLength.get(length) ?? 0, steps));
    return [...byLength.values()].reduce((sum, steps) => sum + 1 + steps, 0);
  }
}

export class GlobEdges<Target> {
  readonly #edges = new Map<string, Edge<Target>>();
  /** The edges that every segment tests. */
  readonly #unfiled: Edge<Target>[] = [];
  /** Undefined until there are more than UNFILED_EDGES_MAX edges. */
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
    const edge: Edge<Target> = { glob, target, filedUnder: undefined };
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
    else edge.filedUnder.table.delete(edge.filedUnder.key, edge);
  }

  *targets(): Generator<Target, void, undefined> {
    for (const { target } of this.#edges.values()) yield target;
  }

  /**
   * Returns the most steps that a lookup takes, whatever the segment is, together with the steps of the targets that it
   * finds. The result depends only on the globs, and not on how they are filed.
   */
  stepsMax(stepsOf: (target: Target) => number): number {
    const prefixes = new LiteralSteps();
    const suffixes = new LiteralSteps();
    const pieceLengths = new Set<number>();
    // Edges that are not filed yet are tested one by one.
    let steps = Math.min(this.#edges.size, UNFILED_EDGES_MAX);
    for (const { glob, target } of this.#edges.values()) {
      const { tokens, runs } = glob;
      const place = onlyStar(glob);
      if (place === "end") prefixes.add(runs.prefix, 1 + stepsOf(target));
      else if (place === "start") suffixes.add(runs.suffix, 1 + stepsOf(target));
      else if (place === "alone") steps += 1 + stepsOf(target);
      else {
        steps += TEST_STEPS + Math.ceil(tokens.length * TEST_STEPS_A_TOKEN) + stepsOf(target);
        for (const run of runs.inner) pieceLengths.add(pieceLength(run.length));
      }
    }
    if (this.#edges.size > UNFILED_EDGES_MAX) steps += pieceLengths.size * PIECES_STEPS;
    return steps + prefixes.most + suffixes.most;
  }

  /** Calls `take` once with the target of each edge whose glob matches the segment. */
  forEachMatch(segment: string, take: (target: Target) => void): void {
    for (const edge of this.#unfiled) if (edge.glob.matches(segment)) take(edge.target);
    if (this.#tables === undefined) return;

    const lookup = ++this.#lookup;
    const open = (bucket: Bucket<Target> | undefined): void => {
      if (bucket === undefined || bucket.openedBy === lookup) return;
      bucket.openedBy = lookup;
      for (const edge of bucket.edges) if (edge.glob.matches(segment)) take(edge.target);
    };
    const { prefixes, suffixes, pieces } = this.#tables;
    for (const length of prefixes.lengths) {
      if (length > segment.length) break;
      open(prefixes.buckets.get(segment.slice(0, length)));
    }
    for (const length of suffixes.lengths) {
      if (length > segment.length) break;
      open(suffixes.buckets.get(segment.slice(segment.length - length)));
    }
    for (const length of pieces.lengths) {
      for (let at = 0; at + length <= segment.length; at++) open(pieces.buckets.get(segment.slice(at, at + length)));
    }
  }

  /**
   * Files the edge in the bucket with the fewest edges. Of equal buckets, it takes the first one considered, which is
   * the fastest to look up.
   */
  #file(tables: Tables<Target>, edge: Edge<Target>): void {
    let fewest = Number.POSITIVE_INFINITY;
    const consider = (table: LiteralTable<Target>, key: string): void => {
      const count = table.buckets.get(key)?.edges.length ?? 0;
      if (count >= fewest) return;
      fewest = count;
      edge.filedUnder = { table, key };
    };
    const { prefix, suffix, inner } = edge.glob.runs;
    if (prefix !== "") consider(tables.prefixes, prefix);
    if (suffix !== "") consider(tables.suffixes, suffix);
    for (const run of inner) {
      const length = pieceLength(run.length);
      for (let at = 0; at + length <= run.length; at++) consider(tables.pieces, run.slice(at, at + length));
    }
    if (edge.filedUnder === undefined) this.#unfiled.push(edge);
    else edge.filedUnder.table.add(edge.filedUnder.key, edge);
  }
}
