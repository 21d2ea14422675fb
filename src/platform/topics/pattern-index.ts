/**
 * Finds the patterns that match a topic, among many distinct patterns. The hub of events uses the index on the front,
 * and the outbox of webhooks uses it in the writer. Each of them stores the subscribers of a pattern itself.
 *
 * The index is a trie of segments: patterns with the same beginning share its nodes. A node has edges for literal
 * segments (one lookup), globs (glob-edges.ts) and `**`. A search reads the topic segment by segment, and keeps the set
 * of nodes that it has reached. It needs to reach the node of a `**` only once, because a `**` can match all further
 * segments.
 *
 * The segments after the last `**` of a pattern are in a second trie, which is read from the end of the topic
 * backwards. So a pattern with one `**` takes at most as many steps as it has segments, however long the topic is. Only
 * the segments between two `**` are searched for at each segment of the topic.
 *
 * `steps` is an upper bound of the steps that one topic takes, whatever the topic is. A step is one lookup or one visit
 * of a node, which takes about 0.04 µs. The test of a glob counts as the number of steps that take the same time. The
 * bound depends only on the patterns, and not on the order in which they were added, so that every node of a cluster
 * computes the same bound. Deleting a pattern may raise the bound, although no topic then takes more steps.
 *
 * Measured with 10 000 patterns and topics that were not in the memo, on two shared cores: `svc.N.*`, `*.N.done`,
 * `a.N.**`, `*-N`, `**.N` and exact topics take 2 to 8 µs; `job-N*.x`, `*-N-*` and `*.job-?N.[a-z]*` take 9 to 14 µs;
 * all of {a, b, *}^9 (39 matches each) take 19 to 32 µs; a topic of 256 bytes takes 6 µs; a topic in the memo takes
 * 0.03 µs. Patterns that no literal distinguishes (ten thousand first segments that consist only of classes) are tested
 * one by one, which takes 1.7 ms.
 */
import { TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import { must } from "../../base/assert.js";
import { GlobEdges } from "./glob-edges.js";
import type { Pattern } from "./pattern.js";
import type { SegmentGlob } from "../../base/segment-glob.js";
import { TopicMemo } from "./topic-memo.js";

/** The maximum number of segments of a topic. Segments may be empty, so it is one more than the number of dots. */
const TOPIC_SEGMENTS_MAX = TOPIC_BYTES_MAX + 1;

class Node {
  literals: Map<string, Node> | undefined = undefined;
  globs: GlobEdges<Node> | undefined = undefined;
  /** The child node for `**`; undefined if there is none. */
  doubleStar: Node | undefined = undefined;
  /**
   * The root of a second trie, if this node is the last `**` of some patterns. It contains the segments after the `**`,
   * from the end backwards, and has no `**` itself.
   */
  tails: Node | undefined = undefined;
  /**
   * The texts of the patterns that end at this node. There are several if patterns differ only in spelling (`a`, `\a`,
   * `[a]`).
   */
  texts: string[] = [];
  /** The number of the last search that reached this node. Used only if the node is that of a `**`. */
  reachedInSearch = 0;
  /** The cached upper bounds of steps. They are undefined after a pattern below this node was added or deleted. */
  #once: number | undefined = undefined;
  #often: number | undefined = undefined;

  constructor(
    /** Whether the edge that leads to this node is `**`. */
    readonly isDoubleStar: boolean,
  ) {}

  /** Whether the search can continue from this node with the next segment. */
  get hasChildren(): boolean {
    return this.doubleStar !== undefined || (this.literals?.size ?? 0) > 0 || (this.globs?.size ?? 0) > 0;
  }

  get isEmpty(): boolean {
    return this.texts.length === 0 && !this.hasChildren && (this.tails?.isEmpty ?? true);
  }

  child(segment: SegmentGlob | null): Node | undefined {
    if (segment === null) return this.doubleStar;
    return segment.literal === undefined ? this.globs?.get(segment.text) : this.literals?.get(segment.literal);
  }

  addChild(segment: SegmentGlob | null): Node {
    const child = new Node(segment === null);
    if (segment === null) {
      this.doubleStar = child;
    } else if (segment.literal !== undefined) {
      this.literals ??= new Map();
      this.literals.set(segment.literal, child);
    } else {
      this.globs ??= new GlobEdges();
      this.globs.add(segment, child);
    }
    return child;
  }

  deleteChild(segment: SegmentGlob | null): void {
    if (segment === null) this.doubleStar = undefined;
    else if (segment.literal !== undefined) this.literals?.delete(segment.literal);
    else this.globs?.delete(segment.text);
  }

  /**
   * Clears the cached bounds of steps. After a change to the trie, it must be called for each node on the path to the
   * change.
   */
  forgetSteps(): void {
    this.#once = undefined;
    this.#often = undefined;
  }

  /**
   * The maximum number of steps in this node and below it, if a search reaches the node at only one segment of the
   * topic.
   */
  get once(): number {
    // A search reaches the node of a `**` once. It then tries the node's children at every later segment.
    this.#once ??= this.isDoubleStar ? this.often : this.#ended + this.#literalOnce + this.#globsOnce;
    return this.#once;
  }

  /**
   * The maximum number of steps in this node and below it, if a search reaches the node at every segment of the topic.
   */
  get often(): number {
    this.#often ??= this.#computeOften();
    return this.#often;
  }

  #computeOften(): number {
    if (!this.hasChildren) return this.isDoubleStar ? this.#ended : this.#ended + TOPIC_SEGMENTS_MAX;
    let literalOften = 0;
    for (const { often } of this.literals?.values() ?? []) literalOften += often;
    const globsOften = this.globs?.stepsMax(TOPIC_SEGMENTS_MAX, ({ often }) => often) ?? 0;
    return (
      this.#ended +
      TOPIC_SEGMENTS_MAX +
      Math.min(TOPIC_SEGMENTS_MAX * this.#literalOnce, literalOften) +
      Math.min(TOPIC_SEGMENTS_MAX * this.#globsOnce, globsOften)
    );
  }

  /** The steps in this node and below it, except those below its literals and globs. */
  get #ended(): number {
    return 1 + this.texts.length + (this.tails?.once ?? 0) + (this.doubleStar?.once ?? 0);
  }

  get #literalOnce(): number {
    let most = 0;
    // A segment matches at most one of the literals.
    for (const { once } of this.literals?.values() ?? []) most = Math.max(most, once);
    return most;
  }

  get #globsOnce(): number {
    return this.globs?.stepsMax(1, ({ once }) => once) ?? 0;
  }
}

/**
 * Splits the segments of a pattern into two lists, as the index stores them. `head` has the segments up to the last
 * `**`. `tail` has the segments after it, from the end backwards.
 */
function storedOrder({ segments }: Pattern): {
  readonly head: Pattern["segments"];
  readonly tail: Pattern["segments"];
} {
  const lastStars = segments.lastIndexOf(null);
  if (lastStars < 0) return { head: segments, tail: [] };
  return { head: segments.slice(0, lastStars + 1), tail: segments.slice(lastStars + 1).toReversed() };
}

/** Returns an upper bound of the steps that it takes to find which of these patterns match a topic. */
export function stepsOf(patterns: readonly Pattern[]): number {
  const index = new PatternIndex();
  for (const pattern of patterns) index.add(pattern);
  return index.steps;
}

export class PatternIndex {
  readonly #root = new Node(false);
  readonly #patterns = new Map<string, Pattern>();
  readonly #memo = new TopicMemo();
  #search = 0;
  #nodes = 0;
  #visited = 0;
  #lookups = 0;

  /** The number of distinct patterns. */
  get size(): number {
    return this.#patterns.size;
  }

  /** The number of nodes without the roots, which is at most the number of segments of all patterns. */
  get nodes(): number {
    return this.#nodes;
  }

  /** An upper bound of the steps that it takes to find the patterns that match a topic. */
  get steps(): number {
    return this.#root.once;
  }

  /** The number of visits of nodes in all searches so far. */
  get visited(): number {
    return this.#visited;
  }

  /**
   * The number of steps that lookups of globs have taken in all searches so far, without the steps of the glob tests.
   */
  get lookups(): number {
    return this.#lookups;
  }

  has(text: string): boolean {
    return this.#patterns.has(text);
  }

  /** Adds a pattern. Does nothing if a pattern with the same text is present. */
  add(pattern: Pattern): void {
    if (this.#patterns.has(pattern.text)) return;
    this.#patterns.set(pattern.text, pattern);
    const { head, tail } = storedOrder(pattern);
    let node = this.#addAll(this.#root, head);
    if (tail.length > 0) {
      node.forgetSteps();
      node.tails ??= new Node(false);
      node = this.#addAll(node.tails, tail);
    }
    node.forgetSteps();
    node.texts.push(pattern.text);
    this.#memo.clear();
  }

  #addAll(from: Node, segments: Pattern["segments"]): Node {
    let node = from;
    for (const segment of segments) {
      node.forgetSteps();
      let child = node.child(segment);
      if (child === undefined) {
        child = node.addChild(segment);
        this.#nodes++;
      }
      node = child;
    }
    return node;
  }

  /** Deletes the pattern with this text. Does nothing if there is none. */
  delete(text: string): void {
    const pattern = this.#patterns.get(text);
    if (pattern === undefined) return;
    this.#patterns.delete(text);
    const edges: Edge[] = [];
    const { head, tail } = storedOrder(pattern);
    const headEnd = follow(this.#root, head, edges);
    headEnd.forgetSteps();
    let node = headEnd;
    if (tail.length > 0) node = follow(must(headEnd.tails, "an indexed pattern has its nodes"), tail, edges);
    node.forgetSteps();
    node.texts = node.texts.filter((other) => other !== text);
    for (const { parent, segment, child } of edges.toReversed()) {
      if (!child.isEmpty) break;
      parent.deleteChild(segment);
      this.#nodes--;
    }
    if (headEnd.tails?.isEmpty === true) headEnd.tails = undefined;
    this.#memo.clear();
  }

  /**
   * Returns the texts of the matching patterns, each once, in no particular order. The caller must not change the
   * array, because the memo keeps it.
   */
  match(topic: string): readonly string[] {
    const known = this.#memo.get(topic);
    if (known !== undefined) return known;
    const found = this.#find(topic.split("."));
    this.#memo.set(topic, found);
    return found;
  }

  #find(segments: readonly string[]): string[] {
    const search = ++this.#search;
    const found: string[] = [];
    /** The nodes of `**` that the search has reached, each with the number of segments that were read before it. */
    const stars: { readonly node: Node; readonly read: number }[] = [];
    /** The nodes of `**` that have children. The search continues from them at every further segment. */
    const staying: Node[] = [];
    let reached: Node[] = [this.#root];
    for (let read = 1; read <= segments.length; read++) {
      const segment = segments[read - 1] as string;
      const next: Node[] = [];
      const take = (node: Node): void => void next.push(node);
      const advance = (node: Node): void => {
        this.#visited++;
        const literal = node.literals?.get(segment);
        if (literal !== undefined) next.push(literal);
        this.#lookups += node.globs?.forEachMatch(segment, take) ?? 0;
        const star = node.doubleStar;
        if (star === undefined || star.reachedInSearch === search) return;
        star.reachedInSearch = search;
        stars.push({ node: star, read });
        if (star.hasChildren) staying.push(star);
      };
      // If this segment reaches the node of a `**`, the search continues from that node only with the next segment.
      const stay = staying.length;
      for (const node of reached) advance(node);
      for (let at = 0; at < stay; at++) advance(staying[at] as Node);
      reached = next;
      if (reached.length === 0 && staying.length === 0) break;
    }
    for (const node of reached) found.push(...node.texts);
    for (const { node, read } of stars) {
      found.push(...node.texts);
      if (node.tails !== undefined) this.#findTails(node.tails, segments, read, found);
    }
    return found;
  }

  /**
   * Finds the patterns whose segments after the last `**` match the end of the topic. Reads the topic backwards, down
   * to the first `read` segments, which the beginning of the pattern has matched.
   */
  #findTails(root: Node, segments: readonly string[], read: number, found: string[]): void {
    let reached: Node[] = [root];
    for (let at = segments.length - 1; at >= read && reached.length > 0; at--) {
      const segment = segments[at] as string;
      const next: Node[] = [];
      const take = (node: Node): void => void next.push(node);
      for (const node of reached) {
        this.#visited++;
        const literal = node.literals?.get(segment);
        if (literal !== undefined) next.push(literal);
        this.#lookups += node.globs?.forEachMatch(segment, take) ?? 0;
      }
      for (const node of next) if (node.texts.length > 0) found.push(...node.texts);
      reached = next;
    }
  }
}

/** An edge of the trie. */
interface Edge {
  readonly parent: Node;
  readonly segment: SegmentGlob | null;
  readonly child: Node;
}

/** Follows the segments of an indexed pattern, adds the edges to `edges`, and returns the last node. */
function follow(from: Node, segments: Pattern["segments"], edges: Edge[]): Node {
  let node = from;
  for (const segment of segments) {
    node.forgetSteps();
    const child = must(node.child(segment), "an indexed pattern has its nodes");
    edges.push({ parent: node, segment, child });
    node = child;
  }
  return node;
}
