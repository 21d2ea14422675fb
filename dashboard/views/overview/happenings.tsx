/**
 * Shows the newest events as sentences, the newest first, and keeps them up to date. Events with the same sentence are
 * one line with a count. The time of a line is a link to its newest event, and the count is a link to all of them.
 */
import { useMemo, useRef } from "preact/hooks";
import { useEventFeed } from "../../api/event-feed.js";
import { reasonOf } from "../../api/client.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { addressOf } from "../../base/address.js";
import { minuteMs } from "../../base/clock.js";
import { count, plural } from "../../base/format.js";
import { query } from "../../base/path.js";
import { Empty } from "../../parts/empty.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { useRowSlots } from "../../parts/row-slots.js";
import { Sentence } from "../../parts/sentence.js";
import { Time } from "../../parts/time.js";
import { type Line, linesOf } from "./lines.js";

/**
 * The feed of the newest events of all topics. It holds more events than lines are shown, because many events may share
 * a line.
 */
const NEWEST = { pattern: "", since: null, first: 1_000, keep: 1_000 } as const;
const LINES_MAX = 40;

interface HappeningsProps {
  /** The length of the time of the charts above, in s. Events of this time are grouped. */
  readonly spanS: number;
}

export function Happenings({ spanS }: HappeningsProps) {
  const feed = useEventFeed(NEWEST);
  const failure = feed.failure.value;
  const state = feed.state.value;
  const { events } = feed.list.value;
  const fromMs = minuteMs.value - spanS * SECOND_MS;
  const lines = useMemo(() => linesOf(events, fromMs, LINES_MAX), [events, fromMs]);
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
  readonly line: Line;
  readonly slot: number | undefined;
}

function Happening({ line: { newest, oldest, count: times, sentence }, slot }: HappeningProps) {
  const { id, topic, created_at } = newest;
  const all = query({ pattern: topic, from: oldest.created_at, to: created_at });
  return (
    <li title={topic} data-slot={slot}>
      <a class="happening-time" href={addressOf("events") + query({ id })}>
        <Time at={created_at} as="clock" />
      </a>
      <span class="happening-text">
        <Sentence of={sentence} />
        {times > 1 && (
          <a class="badge repeats" href={addressOf("events") + all} aria-label={`Show ${plural(times, "event")}`}>
            × {count(times)}
          </a>
        )}
      </span>
    </li>
  );
}
