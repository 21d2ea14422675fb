/**
 * Limits the steps that it takes to match a topic against all subscribed patterns. A new pattern is refused if some
 * topic could then take too many steps. So a client with expensive patterns cannot slow down the events of other
 * clients. Plain patterns are never refused, because a topic can match only a few of them. So even if expensive
 * patterns use up the limit, other clients can subscribe to plain ones. Runs on the front.
 */
import { SUBSCRIBED_PATTERN_STEPS_MAX } from "../../../schemas/limits/events.js";
import { Failure, invalid } from "../../base/result.js";
import { type PatternIndex, stepsOf } from "../../platform/topics/pattern-index.js";
import type { Pattern } from "../../platform/topics/pattern.js";

const FULL = new Failure(
  "RESOURCE_EXHAUSTED",
  `matching a topic with all subscribed patterns would take more than ${SUBSCRIBED_PATTERN_STEPS_MAX} steps: ` +
    "use fewer wildcards, or try again",
);

/** Returns whether a pattern is plain: it has no wildcard, or only `*` or `**` as its last segment. */
function isPlain({ segments }: Pattern): boolean {
  return segments.every((segment, at) => {
    if (segment !== null && segment.literal === segment.text) return true;
    return at === segments.length - 1 && (segment === null || segment.text === "*");
  });
}

export class PatternBudget {
  readonly #index: PatternIndex;
  /**
   * An upper bound on the steps that matching a topic takes. Each new pattern adds its steps to this sum. The index can
   * compute the exact bound, which is lower, but this is slow with many patterns. So it is computed only if the sum is
   * too large.
   */
  #stepsMost = 1;

  /** @param index the index of all subscribed patterns */
  constructor(index: PatternIndex) {
    this.#index = index;
  }

  /**
   * Returns an error if matching would take too many steps with these patterns, alone or together with the subscribed
   * ones.
   */
  refuse(patterns: readonly Pattern[]): Failure | null {
    const dear = patterns.filter((pattern) => !isPlain(pattern) && !this.#index.has(pattern.text));
    if (dear.length === 0) return null;
    const own = stepsOf(dear);
    if (own > SUBSCRIBED_PATTERN_STEPS_MAX)
      return invalid(
        `matching a topic with the pattern would take up to ${own} steps, ` +
          `more than ${SUBSCRIBED_PATTERN_STEPS_MAX}: use fewer wildcards`,
      );
    if (this.#stepsMost + own <= SUBSCRIBED_PATTERN_STEPS_MAX) return null;
    for (const pattern of dear) this.#index.add(pattern);
    const { steps } = this.#index;
    for (const { text } of dear) this.#index.delete(text);
    if (steps > SUBSCRIBED_PATTERN_STEPS_MAX) return FULL;
    this.#stepsMost = steps;
    return null;
  }

  /** Counts a pattern that is added to the index. */
  count(pattern: Pattern): void {
    this.#stepsMost += stepsOf([pattern]);
  }
}
