/**
 * Shows the newest events that match a webhook's patterns, and keeps them up to date. It has one feed for each pattern,
 * because the server does the matching.
 */
import { useEffect, useMemo } from "preact/hooks";
import { EventFeed } from "../../api/event-feed.js";
import { addEvents, dataPreview, NO_EVENTS, type HeldEvent } from "../../api/event-list.js";
import { addressOf } from "../../base/address.js";
import { Empty } from "../../parts/empty.js";
import { Agent } from "../../parts/agent.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";

const SHOWN_EVENTS = 20;
/** The maximum number of feeds. It is small, because each feed is a connection. */
const FEEDS_MAX = 4;

const COLUMNS: readonly Column<HeldEvent>[] = [
  { head: "Time", cell: ({ created_at }) => <Time at={created_at} as="clock" /> },
  {
    head: "Topic",
    cell: ({ id, topic }) => (
      <a class="mono" href={`${addressOf("events")}?id=${id}`}>
        {topic}
      </a>
    ),
  },
  { head: "Source", cell: ({ source }) => source !== "" && <Agent id={source} /> },
  { head: "Data", kind: "wide", cell: (event) => <span class="mono muted">{dataPreview(event)}</span> },
];

export function Recent({ patterns }: { readonly patterns: readonly string[] }) {
  const followed = patterns.slice(0, FEEDS_MAX);
  const feeds = useMemo(
    () => followed.map((pattern) => new EventFeed({ pattern, since: null, first: SHOWN_EVENTS, keep: SHOWN_EVENTS })),
    [followed.join("\n")],
  );
  useEffect(
    () => () => {
      for (const feed of feeds) feed.close();
    },
    [feeds],
  );
  const lists = feeds.map(({ list }) => list.value.events);
  const events = lists.reduce((all, more) => addEvents(all, more, SHOWN_EVENTS), NO_EVENTS).events.toReversed();
  const begun = feeds.every(({ state }) => state.value !== "connecting");
  return (
    <>
      {events.length > 0 ? (
        <Table label="Matching events" columns={COLUMNS} rows={events} keyOf={({ id }) => id} cards />
      ) : (
        begun && <Empty title="No matching event in history">New events appear here.</Empty>
      )}
      {patterns.length > FEEDS_MAX && <p class="hint">Only the first {FEEDS_MAX} patterns are shown.</p>}
    </>
  );
}
