/**
 * Topic patterns: compiled once, then asked for each topic. Pure, any thread. One segment's wildcards
 * are segment-glob.ts's; finding the patterns that match among many is pattern-index.ts's.
 *
 * Pattern and topic are split on `.` before anything else is read, so a class or an escape never spans a
 * dot. Segments may be empty and `*` matches an empty one. Alone, `*` and the empty pattern match every
 * topic; a whole segment `**` stands for one or more segments, elsewhere two stars are one.
 */
import { PATTERN_BYTES_MAX } from "../../schemas/limits.js";
import { utf8Length } from "../../schemas/text.js";
import { invalid, type Failure } from "../base/result.js";
import { compileSegment, type SegmentGlob } from "../base/segment-glob.js";

export interface Pattern {
  /** The pattern as it was written: its identity. */
  readonly text: string;
  /** `null` stands for `**`; for a pattern that matches every topic a single `null`. */
  readonly segments: readonly (SegmentGlob | null)[];
  matches(topic: string): boolean;
}

/**
 * Segments against segments. A failed attempt goes back to the last `**` only and lets it take one more:
 * segments of the topic times segments of the pattern at worst.
 */
function matchSegments(segments: readonly (SegmentGlob | null)[], topicSegments: readonly string[]): boolean {
  let segmentAt = 0;
  let topicAt = 0;
  let manySegment = -1;
  let manyTopic = 0;
  while (topicAt < topicSegments.length) {
    const segment = segments[segmentAt];
    if (segment === null) {
      manySegment = segmentAt++;
      manyTopic = ++topicAt;
      continue;
    }
    if (segment !== undefined && segment.matches(topicSegments[topicAt] as string)) {
      segmentAt++;
      topicAt++;
      continue;
    }
    if (manySegment < 0) return false;
    topicAt = ++manyTopic;
    segmentAt = manySegment + 1;
  }
  return segmentAt === segments.length;
}

class CompiledPattern implements Pattern {
  readonly #spans: boolean;

  constructor(
    readonly text: string,
    readonly segments: readonly (SegmentGlob | null)[],
  ) {
    this.#spans = segments.includes(null);
  }

  matches(topic: string): boolean {
    const { segments } = this;
    const topicSegments = topic.split(".");
    if (this.#spans ? topicSegments.length < segments.length : topicSegments.length !== segments.length) return false;
    return matchSegments(segments, topicSegments);
  }
}

/** Compiles a pattern. INVALID_ARGUMENT where it is malformed, not Unicode, or longer than PATTERN_BYTES_MAX bytes. */
export function compilePattern(text: string): Pattern | Failure {
  if (utf8Length(text) > PATTERN_BYTES_MAX) return invalid(`pattern is longer than ${PATTERN_BYTES_MAX} bytes`);
  if (text === "" || text === "*") return new CompiledPattern(text, [null]);
  const segments: (SegmentGlob | null)[] = [];
  for (const part of text.split(".")) {
    const segment = part === "**" ? null : compileSegment(part);
    if (segment === undefined) return invalid(`malformed pattern "${text}"`);
    segments.push(segment);
  }
  // Half a surrogate pair would match half a character; no pattern that came as UTF-8 has one.
  if (Buffer.from(text, "utf8").toString("utf8") !== text) return invalid(`malformed pattern "${text}"`);
  return new CompiledPattern(text, segments);
}
