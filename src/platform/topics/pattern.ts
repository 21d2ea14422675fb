/**
 * Compiles topic patterns and matches them against topics. Pure, any thread.
 *
 * A pattern and a topic are first split on `.`, so a class or an escape cannot contain a dot. A segment may be empty,
 * and `*` matches an empty segment. A segment `**` matches one or more segments. Inside a longer segment, two stars
 * mean the same as one. The pattern `*` and the empty pattern match every topic.
 *
 * topic-segment.ts compiles one segment. pattern-index.ts finds which of many patterns match a topic.
 */
import { PATTERN_BYTES_MAX, TOPIC_BYTES_MAX } from "../../../schemas/limits/names.js";
import { isLongerThan } from "../../../schemas/text.js";
import { invalid, type Failure } from "../../base/result.js";
import type { SegmentGlob } from "../../base/segment-glob.js";
import { matchSegments } from "../../base/segment-sequence.js";
import { shorten } from "../../../shared/shorten.js";
import { compileTopicSegment } from "./topic-segment.js";

export interface Pattern {
  /** The pattern as the client wrote it. Two patterns are equal if their texts are equal. */
  readonly text: string;
  /** The compiled segments, with null for each `**`. A pattern that matches every topic has a single null. */
  readonly segments: readonly (SegmentGlob | null)[];
  /** The maximum number of segment comparisons that a match against one topic takes. */
  readonly steps: number;
  matches(topic: string): boolean;
}

/** The minimum number of segments that a `**` matches. */
const MANY_MIN = 1;
/** The maximum number of non-empty segments of a topic. Each of them takes at least one letter and one dot. */
const TOPIC_SEGMENTS_MAX = TOPIC_BYTES_MAX / 2;

class CompiledPattern implements Pattern {
  readonly steps: number;
  readonly #spans: boolean;

  constructor(
    readonly text: string,
    readonly segments: readonly (SegmentGlob | null)[],
  ) {
    this.#spans = segments.includes(null);
    // A single `**` matches every topic without a comparison, so it counts one step.
    this.steps = this.#spans && segments.length > 1 ? segments.length * TOPIC_SEGMENTS_MAX : segments.length;
  }

  matches(topic: string): boolean {
    const { segments } = this;
    const topicSegments = topic.split(".");
    if (this.#spans ? topicSegments.length < segments.length : topicSegments.length !== segments.length) return false;
    return matchSegments(segments, topicSegments, MANY_MIN);
  }
}

/**
 * Compiles a pattern. Fails with INVALID_ARGUMENT if it is malformed, not valid Unicode, or longer than
 * PATTERN_BYTES_MAX characters.
 */
export function compilePattern(text: string): Pattern | Failure {
  if (isLongerThan(text, PATTERN_BYTES_MAX)) return invalid(`pattern is longer than ${PATTERN_BYTES_MAX} characters`);
  if (text === "" || text === "*") return new CompiledPattern(text, [null]);
  const segments: (SegmentGlob | null)[] = [];
  for (const part of text.split(".")) {
    const segment = part === "**" ? null : compileTopicSegment(part);
    if (segment === undefined) return invalid(`malformed pattern "${shorten(text)}"`);
    segments.push(segment);
  }
  // Reject half of a surrogate pair, because it would match half a character. A pattern that arrived as UTF-8 never
  // contains one.
  if (Buffer.from(text, "utf8").toString("utf8") !== text) return invalid(`malformed pattern "${shorten(text)}"`);
  return new CompiledPattern(text, segments);
}
