/**
 * Shows the timeline of one agent: its writes, its published events and its rejected calls. The timeline is live. Older
 * entries are loaded on demand.
 */
import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { jsonPreview } from "../../../shared/json-preview.js";
import { getJson } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import { EventFeed } from "../../api/event-feed.js";
import type { History } from "../../api/history.js";
import type { AuditEntry, Event } from "../../api/types.js";
import { useHistory } from "../../api/use-history.js";
import { addressOf } from "../../base/address.js";
import { plural } from "../../base/format.js";
import { AuditResource } from "../../parts/audit-resource.js";
import { formatDetail } from "../../parts/audit-format.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { logsToRead, timelineOf, type Held, type TimelineItem } from "./timeline.js";

const PAGE_ROWS = 100;
/**
 * The maximum number of events held from the feed of all agents. The page holds them only to find this agent's events.
 */
const FEED_EVENTS = 1_000;

export function AgentTimeline({ id }: { readonly id: string }) {
  const audit = useHistory<AuditEntry>({
    key: `audit ${id}`,
    kinds: ["audit"],
    pageRows: PAGE_ROWS,
    read: ({ limit, to }, signal) => getJson(apiPath("audit") + query({ actor: id, limit, to }), signal),
    idOf: (entry) => entry.id,
    timeOf: (entry) => entry.timestamp,
  });
  const events = useHistory<Event>({
    key: `events ${id}`,
    kinds: [],
    pageRows: PAGE_ROWS,
    read: ({ limit, to }, signal) =>
      getJson(apiPath("events", "history") + query({ source: id, last: limit, to }), signal),
    idOf: (event) => event.id,
    timeOf: (event) => event.created_at,
  });
  usePublished(id, events.nudge);
  const [wrote, published] = [heldOf(audit.history), heldOf(events.history)];
  const items = useMemo(
    () => timelineOf(wrote, published),
    [wrote.rows, wrote.complete, published.rows, published.complete],
  );
  if (audit.history.rows.value === undefined || events.history.rows.value === undefined)
    return (
      <>
        <Failure of={audit.history} />
        <Failure of={events.history} />
      </>
    );
  const next = logsToRead(wrote, published);
  const older = async (): Promise<void> => {
    await Promise.all([
      next.audit ? audit.history.older() : undefined,
      next.events ? events.history.older() : undefined,
    ]);
  };
  return (
    <Section title="Timeline" actions={<span class="hint">{plural(items.length, "entry", "entries")}</span>}>
      <Failure of={audit.history} />
      <Failure of={events.history} />
      {items.length === 0 ? (
        <Empty title="No activity yet" command="koor-cli events publish review.done --data '{}'">
          Everything that it writes and publishes with its own token appears here.
        </Empty>
      ) : (
        <Table
          label="Timeline entries"
          columns={COLUMNS}
          rows={items}
          keyOf={(item) => (item.kind === "published" ? `event ${item.event.id}` : `audit ${item.entry.id}`)}
          grows="head"
          toneOf={({ kind }) => (kind === "refused" ? "bad" : undefined)}
        />
      )}
      {(next.audit || next.events) && <Button onClick={older}>Load older</Button>}
    </Section>
  );
}

function heldOf<Row>(history: History<Row>): Held<Row> {
  return { rows: history.rows.value ?? [], complete: history.complete.value };
}

/**
 * Calls `notify` when this agent has published an event. The feed delivers the events of all agents, so it is open only
 * while the timeline is shown.
 */
function usePublished(id: string, notify: () => void): void {
  useEffect(() => {
    const feed = new EventFeed({ pattern: "", since: null, first: 1, keep: FEED_EVENTS });
    let seen = 0;
    let missed = 0;
    const stop = effect(() => {
      const { events, gaps } = feed.list.value;
      const added = events.slice(events.findLastIndex((event) => event.id <= seen) + 1);
      if (added.some(({ source }) => source === id) || gaps.length > missed) notify();
      seen = events.at(-1)?.id ?? seen;
      missed = gaps.length;
    });
    return () => {
      stop();
      feed.close();
    };
  }, [id, notify]);
}

const TONES = { wrote: "plain", published: "note", refused: "bad" } as const;

const COLUMNS: readonly Column<TimelineItem>[] = [
  { head: "Time", cell: ({ at }) => <Time at={at} as="clock" /> },
  { head: "Kind", cell: ({ kind }) => <Badge tone={TONES[kind]}>{kind}</Badge> },
  { head: "About", kind: "wide", cell: (item) => <About item={item} /> },
];

/** The maximum length of the part of an event's data that a row shows, in characters. */
const DATA_CHARACTERS_MAX = 1_024;

function About({ item }: { readonly item: TimelineItem }) {
  if (item.kind === "published") {
    const { id, topic, data } = item.event;
    const text = jsonPreview(data, DATA_CHARACTERS_MAX);
    return (
      <>
        <a class="mono" href={addressOf("events") + query({ id })}>
          {topic}
        </a>{" "}
        <span class="muted" title={text}>
          {text}
        </span>
      </>
    );
  }
  const { entry, kind } = item;
  const words = formatDetail(entry.detail);
  return (
    <>
      <span class="mono">{entry.action}</span> <AuditResource entry={entry} />{" "}
      <span class={kind === "refused" ? "failure" : "muted"} title={words}>
        {words}
      </span>
    </>
  );
}
