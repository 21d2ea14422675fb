/**
 * Shows the newest events as sentences, the newest first, and keeps them up to date. Neighbours with the same sentence
 * are one line with a count. The time of a line is a link to its newest event.
 */
import { useMemo, useRef } from "preact/hooks";
import { useEventFeed } from "../../api/event-feed.js";
import type { HeldEvent } from "../../api/event-list.js";
import { reasonOf } from "../../api/client.js";
import { addressOf } from "../../base/address.js";
import { count, plural } from "../../base/format.js";
import { query } from "../../base/path.js";
import { Empty } from "../../parts/empty.js";
import { type Piece, sentenceOf } from "../../parts/event-sentence.js";
import { groupRepeats, type Shown } from "../../parts/group-repeats.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { useRowSlots } from "../../parts/row-slots.js";
import { Sentence } from "../../parts/sentence.js";
import { Time } from "../../parts/time.js";

/**
 * The feed of the newest events of all topics. It holds more events than lines are shown, because many events may share
 * a line.
 */
const NEWEST = { pattern: "", since: null, first: 100, keep: 200 } as const;
const LINES_MAX = 25;
const NONE_OPEN: ReadonlySet<number> = new Set();

/**
 * A cache of each event's sentence, and of the text by which sentences are compared. It is needed because a live list
 * is compared again and again.
 */
const said = new WeakMap<HeldEvent, { readonly sentence: readonly Piece[]; readonly text: string }>();

function saidOf(event: HeldEvent): { readonly sentence: readonly Piece[]; readonly text: string } {
  const known = said.get(event);
  if (known !== undefined) return known;
  const sentence = sentenceOf(event);
  const made = { sentence, text: JSON.stringify(sentence) };
  said.set(event, made);
  return made;
}

function linesOf(events: readonly HeldEvent[]): readonly Shown<HeldEvent>[] {
  return groupRepeats(events.toReversed(), {
    same: (a, b) => saidOf(a).text === saidOf(b).text,
    keyOf: ({ id }) => id,
    grows: "head",
    open: NONE_OPEN,
  }).slice(0, LINES_MAX);
}

export function Happenings() {
  const feed = useEventFeed(NEWEST);
  const failure = feed.failure.value;
  const state = feed.state.value;
  const { events } = feed.list.value;
  const lines = useMemo(() => linesOf(events), [events]);
  const list = useRef<HTMLOListElement>(null);
  const slots = useRowSlots(
    lines.map(({ key }) => key),
    list,
  );
  return (
    <Section
      title="What happens"
      actions={state === "live" ? <a href={addressOf("events")}>All events</a> : <span class="hint">{state}</span>}
    >
      {failure !== null && <Notice tone="bad">Could not be read: {reasonOf(failure)}.</Notice>}
      {lines.length > 0 && (
        <ol class="happenings" ref={list} aria-label="Events, newest first" tabIndex={0}>
          {lines.map((line) => (
            <Happening key={slots.get(line.key)} line={line} slot={slots.get(line.key)} />
          ))}
        </ol>
      )}
      {lines.length === 0 && state === "live" && (
        <Empty title="No events yet" command={'koor-cli events publish hello --data \'{"text":"I am here"}\''}>
          What agents do appears here as it happens.
        </Empty>
      )}
    </Section>
  );
}

interface HappeningProps {
  readonly line: Shown<HeldEvent>;
  readonly slot: number | undefined;
}

function Happening({ line: { row, members }, slot }: HappeningProps) {
  const { id, topic, created_at } = row;
  return (
    <li title={topic} data-slot={slot}>
      <a class="happening-time" href={addressOf("events") + query({ id })}>
        <Time at={created_at} as="clock" />
      </a>
      <span class="happening-text">
        <Sentence of={saidOf(row).sentence} />
        {members.length > 1 && (
          <span class="badge repeats" title={`${plural(members.length, "event")} in a row`}>
            × {count(members.length)}
          </span>
        )}
      </span>
    </li>
  );
}
