/**
 * Compiles topic patterns and matches topics. Pure, any thread. segment-glob.ts handles the wildcards of one segment,
 * and pattern-index.ts finds the matching ones of many patterns.
 *
 * Pattern and topic are split on `.` first, so a class or an escape never spans a dot. Segments may be empty, and `*`
 * matches an empty one. The patterns `*` and the empty text match every topic. A whole segment `**` stands for one or
 * more segments; elsewhere two stars are the same as one.
 */
import { PATTERN_BYTES_MAX, TOPIC_BYTES_MAX } from "../../schemas/limits.js";
import { isLongerThan } from "../../schemas/text.js";
import { invalid, type Failure } from "../base/result.js";
import { compileSegment, type SegmentGlob } from "../base/segment-glob.js";

export interface Pattern {
  /** The pattern as it was written, which identifies it. */
  readonly text: string;
  /** `null` stands for `**`. A pattern that matches every topic has a single `null`. */
  readonly segments: readonly (SegmentGlob | null)[];
  /** The maximum number of segment comparisons to match one topic. */
  readonly steps: number;
  matches(topic: string): boolean;
}

/**
 * Matches segments against segments. A failed attempt backtracks only to the last `**`, which then takes one segment
 * more. The worst case is the segments of the topic times the segments of the pattern.
 */
function matchSegments(segments: readonly (SegmentGlob | null)[], topic_segments: readonly string[]): boolean {
  let segment_at = 0;
  let topic_at = 0;
  let starsAt = -1;
  let starsTopicAt = 0;
  while (topic_at < topic_segments.length) {
    const segment = segments[segment_at];
    if (segment === null) {
      starsAt = segment_at++;
      starsTopicAt = ++topic_at;
      continue;
    }
    if (segment !== undefined && segment.matches(topic_segments[topic_at] as string)) {
      segment_at++;
      topic_at++;
      continue;
    }
    if (starsAt < 0) return false;
    topic_at = ++starsTopicAt;
    segment_at = starsAt + 1;
  }
  return segment_at === segments.length;
}

/** The maximum number of segments in a topic of letters. */
const TOPIC_SEGMENTS_MAX = TOPIC_BYTES_MAX / 2;

class CompiledPattern implements Pattern {
  readonly steps: number;
  readonly #spans: boolean;

  constructor(
    readonly text: string,
    readonly segments: readonly (SegmentGlob | null)[],
  ) {
    this.#spans = segments.includes(null);
    // A pattern that matches every topic compares nothing.
    this.steps = this.#spans && segments.length > 1 ? segments.length * TOPIC_SEGMENTS_MAX : segments.length;
  }

  matches(topic: string): boolean {
    const { segments } = this;
    const topic_segments = topic.split(".");
    if (this.#spans ? topic_segments.length < segments.length : topic_segments.length !== segments.length) return false;
    return matchSegments(segments, topic_segments);
  }
}

/**
 * Compiles a pattern. Fails with INVALID_ARGUMENT if it is malformed, not Unicode, or longer than PATTERN_BYTES_MAX
 * characters.
 */
export function compilePattern(text: string): Pattern | Failure {
  if (isLongerThan(text, PATTERN_BYTES_MAX)) return invalid(`pattern is longer than ${PATTERN_BYTES_MAX} characters`);
  if (text === "" || text === "*") return new CompiledPattern(text, [null]);
  const segments: (SegmentGlob | null)[] = [];
  for (const part of text.split(".")) {
    const segment = part === "**" ? null : compileSegment(part);
    if (segment === undefined) return invalid(`malformed pattern "${text}"`);
    segments.push(segment);
  }
  // Half a surrogate pair would match half a character. A pattern that arrived as UTF-8 has none.
  if (Buffer.from(text, "utf8").toString("utf8") !== text) return invalid(`malformed pattern "${text}"`);
  return new CompiledPattern(text, segments);
}
