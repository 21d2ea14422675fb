/** The view of events: the live list or a replay from a position, and the selected event. */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { reasonOf } from "../../api/client.js";
import { useEventFeed } from "../../api/event-feed.js";
import { dataPreview, findEvent, NO_EVENTS, type EventList, type HeldEvent } from "../../api/event-list.js";
import { count } from "../../base/format.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Agent } from "../../parts/agent.js";
import { serverSentence } from "../../parts/event-sentence.js";
import { Page } from "../../parts/page.js";
import { repeatColumns, useRepeats } from "../../parts/repeats.js";
import { Sentence } from "../../parts/sentence.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { showToast } from "../../parts/toasts.js";
import type { ViewProps } from "../../base/view-props.js";
import { FeedLine } from "./feed-line.js";
import { Filter } from "./filter.js";
import { Inspector } from "./inspector.js";
import { idBefore } from "./loader.js";
import { OverTime } from "./over-time.js";
import {
  addressFor,
  askedBy,
  formatGap,
  isGap,
  isRepeat,
  keyOf,
  neighbour,
  rowsOf,
  timeRangeIn,
  type Asked,
  type Row,
} from "./model.js";

/** The number of newest events that are read from history at the start. */
const FIRST_EVENTS = 500;
/** The maximum number of events that the page holds. */
const KEPT_EVENTS = 5_000;

/** The list at the moment when the user paused it, and the number of events received until then. */
interface Pause {
  readonly list: EventList;
  readonly received: number;
}

export function View({ query }: ViewProps) {
  const { route } = useLocation();
  const asked = askedBy(query);
  const { pattern, since, until, id } = asked;
  useIdsOf(query);
  const feed = useEventFeed({ pattern, since, until, first: FIRST_EVENTS, keep: KEPT_EVENTS });
  const paused = useSignal<Pause | null>(null);
  const failure = feed.failure.value === null ? "" : reasonOf(feed.failure.value);
  const begun = failure === "" && (feed.state.value !== "connecting" || feed.list.value !== NO_EVENTS);
  // The previous list stays visible until the new one has data.
  const before = useRef<EventList>(NO_EVENTS);
  const list = paused.value?.list ?? (begun ? feed.list.value : before.current);
  before.current = list;
  const newestFirst = since === null;
  const rows = useMemo(() => rowsOf(list, newestFirst), [list, newestFirst]);
  const grows = newestFirst ? "head" : "end";
  const { shown, toggle: toggleRepeats } = useRepeats(rows, isRepeat, keyOf, grows);
  const isSelected = (row: Row): boolean => !isGap(row) && row.id === id;

  const go = (next: Asked): void => {
    if (next.pattern !== pattern || next.since !== since || next.until !== until) paused.value = null;
    route(addressFor(next), true);
  };
  const step = (by: 1 | -1): void => {
    const steps = shown.map(({ row, members }) => members.find(isSelected) ?? row);
    const next = neighbour(steps, id, by);
    if (next !== null) go({ ...asked, id: next });
  };
  const onKey = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Escape" && id !== null) go({ ...asked, id: null });
    else if (by !== 0 && event.target instanceof Element && event.target.closest(".events-list") !== null) {
      event.preventDefault();
      // In this table, an arrow key selects an event, and does not move between links as in other tables.
      event.stopPropagation();
      // The next key press may scroll the focused row out of sight. So the focus moves to the frame of the table.
      event.target.closest<HTMLElement>(".table-frame")?.focus();
      step(by);
    }
  };
  const toggle = (): void => {
    paused.value = paused.value === null ? { list: feed.list.value, received: feed.received.value } : null;
  };
  return (
    <Page
      title="Events"
      actions={
        <Button onClick={toggle} kind={paused.value === null ? "plain" : "primary"}>
          {paused.value === null ? "Pause" : "Resume"}
        </Button>
      }
    >
      <Filter asked={asked} refusal={failure} onAsk={go} />
      <FeedLine
        feed={feed}
        asked={asked}
        waiting={paused.value === null ? null : feed.received.value - paused.value.received}
      />
      <OverTime events={list.events} onReplay={(from) => go({ pattern, since: from, until, id: null })} />
      <div class={id === null ? "events" : "events events-split"} onKeyDownCapture={onKey}>
        <div class={failure === "" ? "events-list" : "events-list events-old"}>
          {rows.length > 0 ? (
            <Table
              key={`${pattern} ${since} ${until}`}
              label="Events"
              grows={grows}
              cards
              columns={repeatColumns(columnsFor(asked), "Topic", toggleRepeats)}
              rows={shown}
              keyOf={({ key }) => key}
              isCurrent={({ members }) => members.some(isSelected)}
              toneOf={({ row }) => (isGap(row) ? "gap" : undefined)}
              noteOf={({ row }) => (isGap(row) ? formatGap(row) : undefined)}
            />
          ) : (
            begun && <NoEvents asked={asked} />
          )}
          {list.evicted > 0 && (
            <p class="hint">
              This page holds the newest {count(KEPT_EVENTS)} events; {count(list.evicted)} older ones were removed. Use
              Since to see those that the server still keeps.
            </p>
          )}
        </div>
        {id !== null && (
          <Inspector
            key={id}
            id={id}
            held={findEvent(list, id)}
            asked={asked}
            onStep={step}
            onClose={() => go({ ...asked, id: null })}
          />
        )}
      </div>
    </Page>
  );
}

/** Replaces a time range in the address by the ids of its events. Links of charts contain times. */
function useIdsOf(query: ViewProps["query"]): void {
  const { route } = useLocation();
  const { fromMs = null, toMs = 0 } = timeRangeIn(query) ?? {};
  useEffect(() => {
    if (fromMs === null) return undefined;
    let left = false;
    void Promise.all([idBefore(fromMs), idBefore(toMs + 1)])
      .then(([since, until]) => {
        if (!left) route(addressFor({ ...askedBy(query), since, until }), true);
      })
      .catch((error: unknown) => showToast(reasonOf(error), "bad"));
    return () => {
      left = true;
    };
  }, [fromMs, toMs]);
}

function columnsFor(asked: Asked): Column<Row>[] {
  return [
    { head: "Id", kind: "number", optional: true, cell: (row) => (isGap(row) ? null : row.id) },
    { head: "Time", cell: (row) => (isGap(row) ? null : <Time at={row.created_at} as="clock" />) },
    {
      head: "Topic",
      opens: true,
      cell: (row) =>
        isGap(row) ? null : (
          <a class="event-topic" href={addressFor({ ...asked, id: row.id })} title={row.topic}>
            {row.topic}
          </a>
        ),
    },
    {
      head: "Source",
      optional: true,
      cell: (row) =>
        isGap(row) || row.source === "" ? null : (
          <span class="publisher">
            <Agent id={row.source} />
          </span>
        ),
    },
    {
      head: "What",
      kind: "wide",
      cell: (row) => (isGap(row) ? null : <What of={row} />),
    },
  ];
}

/** Shows the sentence of a server's event, or the data of an agent's event. */
function What({ of }: { readonly of: HeldEvent }) {
  const sentence = serverSentence(of);
  return sentence === null ? <span class="mono muted">{dataPreview(of)}</span> : <Sentence of={sentence} />;
}

function NoEvents({ asked: { pattern, since, until } }: { readonly asked: Asked }) {
  if (until !== null) return <Empty title="No event at this time">Clear Since to see the newest events.</Empty>;
  if (since !== null) return <Empty title={`No events after event ${since}`}>New events appear here.</Empty>;
  if (pattern !== "") return <Empty title={`No event matches ${pattern}`}>New events appear here.</Empty>;
  return (
    <Empty title="No events yet" command={`koor-cli events publish api.change --data '{"endpoint":"POST /api/books"}'`}>
      Events that agents publish appear here.
    </Empty>
  );
}
