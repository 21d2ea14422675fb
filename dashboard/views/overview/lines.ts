/**
 * Groups events by their sentences, so that the same event of many agents, or of an hour, is one line. Pure.
 */
import type { HeldEvent } from "../../api/event-list.js";
import { type Piece, sentenceOf } from "../../parts/event-sentence.js";

/** Events with the same sentence. There is at least one. */
export interface Line {
  /** Identifies the line. It stays the same when the line gets newer events. */
  readonly key: string;
  readonly newest: HeldEvent;
  readonly oldest: HeldEvent;
  readonly count: number;
  readonly sentence: readonly Piece[];
}

interface Said {
  readonly sentence: readonly Piece[];
  readonly text: string;
}

/**
 * A cache of each event's sentence, and of the text by which sentences are compared. It is needed because a live list
 * is compared again and again.
 */
const said = new WeakMap<HeldEvent, Said>();

function saidOf(event: HeldEvent): Said {
  const known = said.get(event);
  if (known !== undefined) return known;
  const sentence = sentenceOf(event);
  const made = { sentence, text: JSON.stringify(sentence) };
  said.set(event, made);
  return made;
}

/**
 * Returns the lines, the one with the newest event first. Events before the range have their own lines, so that a count
 * is that of the range.
 * @param events the oldest first
 * @param fromMs the start of the range, in ms since the epoch
 * @param most the maximum number of lines
 */
export function linesOf(events: readonly HeldEvent[], fromMs: number, most: number): readonly Line[] {
  const lines = new Map<string, { -readonly [Member in keyof Line]: Line[Member] }>();
  for (const event of events.toReversed()) {
    const { sentence, text } = saidOf(event);
    const key = Date.parse(event.created_at) < fromMs ? `before ${text}` : text;
    const line = lines.get(key);
    if (line !== undefined) {
      line.oldest = event;
      line.count += 1;
    } else if (lines.size < most) lines.set(key, { key, newest: event, oldest: event, count: 1, sentence });
  }
  return [...lines.values()];
}
