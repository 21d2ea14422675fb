/**
 * Which of many distinct patterns match a topic. Lives on the front, in the hub; counting who holds a
 * pattern is the hub's.
 *
 * A tree over segments: patterns that begin alike share their beginning. From a node lead literal segments
 * (one lookup), globs (glob-edges.ts) and `**`. A topic is walked segment by segment with the set of nodes
 * that are reached; a node that `**` leads to reaches itself again with each further segment. Every node has
 * one parent, so the set never holds more nodes than the tree, and the cost is that of the beginnings of
 * patterns that fit the topic, not of the patterns.
 *
 * Measured with 10 000 patterns and topics never seen before, on two shared cores: `svc.N.*`, `*.N.done`, `a.N.**`,
 * `*-N`, `**.N`, exact topics 2 to 8 µs; `job-N*.x`, `*-N-*`, `*.job-?N.[a-z]*` 9 to 14 µs; all of {a, b, *}^9
 * (39 matches each) 19 to 32 µs; a topic of 256 bytes 6 µs; a topic seen before 0.03 µs. What no literal tells apart
 * (ten thousand first segments of classes only) is asked one by one: 1.7 ms.
 */
import { must } from "../base/assert.js";
import { GlobEdges } from "./glob-edges.js";
import type { Pattern } from "./pattern.js";
import type { SegmentGlob } from "../base/segment-glob.js";
import { TopicMemo } from "./topic-memo.js";

class Node {
  literals: Map<string, Node> | undefined = undefined;
  globs: GlobEdges<Node> | undefined = undefined;
  /** Where `**` leads. */
  doubleStar: Node | undefined = undefined;
  /** Patterns that end here; more than one where they are written differently (`a`, `\a`, `[a]`). */
  texts: string[] = [];
  /** The last step of a walk that reached it: `**` reaches its node from the parent and from itself. */
  reachedInStep = 0;

  constructor(
    /** Whether `**` leads here. */
    readonly isDoubleStar: boolean,
  ) {}

  get isEmpty(): boolean {
    return (
      this.texts.length === 0 &&
      this.doubleStar === undefined &&
      (this.literals?.size ?? 0) === 0 &&
      (this.globs?.size ?? 0) === 0
    );
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
}

export class PatternIndex {
  readonly #root = new Node(false);
  readonly #patterns = new Map<string, Pattern>();
  readonly #memo = new TopicMemo();
  #step = 0;
  #nodes = 0;

  /** Distinct patterns. */
  get size(): number {
    return this.#patterns.size;
  }

  /** Nodes of the tree beside its root: at most the segments of all patterns together. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Adds a pattern; one whose text is there already changes nothing. */
  add(pattern: Pattern): void {
    if (this.#patterns.has(pattern.text)) return;
    this.#patterns.set(pattern.text, pattern);
    let node = this.#root;
    for (const segment of pattern.segments) {
      let child = node.child(segment);
      if (child === undefined) {
        child = node.addChild(segment);
        this.#nodes++;
      }
      node = child;
    }
    node.texts.push(pattern.text);
    this.#memo.clear();
  }

  /** Takes the pattern with this text out; one that is not there changes nothing. */
  delete(text: string): void {
    const pattern = this.#patterns.get(text);
    if (pattern === undefined) return;
    this.#patterns.delete(text);
    const steps: { readonly parent: Node; readonly segment: SegmentGlob | null; readonly child: Node }[] = [];
    let node = this.#root;
    for (const segment of pattern.segments) {
      const child = must(node.child(segment), "an indexed pattern has its nodes");
      steps.push({ parent: node, segment, child });
      node = child;
    }
    node.texts = node.texts.filter((other) => other !== text);
    for (const { parent, segment, child } of steps.toReversed()) {
      if (!child.isEmpty) break;
      parent.deleteChild(segment);
      this.#nodes--;
    }
    this.#memo.clear();
  }

  /** The texts of the patterns that match, each once, in no particular order. The array is shared: do not change it. */
  match(topic: string): readonly string[] {
    const known = this.#memo.get(topic);
    if (known !== undefined) return known;
    const found = this.#find(topic);
    this.#memo.set(topic, found);
    return found;
  }

  #find(topic: string): string[] {
    let nodes = [this.#root];
    for (const segment of topic.split(".")) {
      const step = ++this.#step;
      const reached: Node[] = [];
      const reach = (node: Node | undefined): void => {
        if (node === undefined || node.reachedInStep === step) return;
        node.reachedInStep = step;
        reached.push(node);
      };
      for (const node of nodes) {
        reach(node.literals?.get(segment));
        node.globs?.forEachMatch(segment, reach);
        reach(node.doubleStar);
        if (node.isDoubleStar) reach(node);
      }
      if (reached.length === 0) return [];
      nodes = reached;
    }
    return nodes.length === 1 ? [...(nodes[0] as Node).texts] : nodes.flatMap((node) => node.texts);
  }
}
