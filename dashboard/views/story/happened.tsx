/**
 * Shows the last events before the chosen time as sentences, the newest first. The time of each event is a button,
 * which chooses that time.
 */
import type { Event } from "../../api/types.js";
import { clockTime } from "../../base/format.js";
import { sentenceOf } from "../../parts/event-sentence.js";
import { Section } from "../../parts/page.js";
import { Sentence } from "../../parts/sentence.js";

const LINES_MAX = 12;

interface HappenedProps {
  /** The events until the chosen time, oldest first. */
  readonly events: readonly Event[];
  readonly go: (ms: number) => void;
}

export function Happened({ events, go }: HappenedProps) {
  const shown = events.slice(-LINES_MAX).toReversed();
  return (
    <Section title="What had happened">
      {shown.length === 0 ? (
        <p class="hint">Nothing yet in this range.</p>
      ) : (
        <ol class="happenings story-happened" aria-label="Events until then, newest first" tabIndex={0}>
          {shown.map((event) => {
            const ms = Date.parse(event.created_at);
            return (
              <li key={event.id} title={event.topic}>
                <button type="button" class="button-bare happening-time" onClick={() => go(ms)}>
                  {clockTime(ms, Date.now())}
                </button>
                <span class="happening-text">
                  <Sentence of={sentenceOf(event)} />
                </span>
              </li>
            );
          })}
        </ol>
      )}
    </Section>
  );
}
