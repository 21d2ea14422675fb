/** Shows the newest events, live, newest first. Each row links to its event. */
import { useEventFeed } from "../../api/event-feed.js";
import { dataPreview, type HeldEvent } from "../../api/event-list.js";
import { reasonOf } from "../../api/client.js";
import { addressOf } from "../../base/address.js";
import { Empty } from "../../parts/empty.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Agent } from "../../parts/agent.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";

/** The newest events of all topics. */
const TAIL = { pattern: "", since: null, first: 25, keep: 30 } as const;

const COLUMNS: readonly Column<HeldEvent>[] = [
  { head: "Time", cell: ({ created_at }) => <Time at={created_at} as="clock" /> },
  { head: "Topic", cell: ({ id, topic }) => <a href={`${addressOf("events")}?id=${id}`}>{topic}</a> },
  { head: "Source", cell: ({ source }) => source !== "" && <Agent id={source} />, optional: true },
  { head: "Data", cell: (event) => <span class="mono muted">{dataPreview(event)}</span>, kind: "wide", optional: true },
];

export function Tail() {
  const feed = useEventFeed(TAIL);
  const failure = feed.failure.value;
  const state = feed.state.value;
  const events = feed.list.value.events.toReversed();
  return (
    <Section
      title="Newest events"
      actions={state === "live" ? <a href={addressOf("events")}>All events</a> : <span class="hint">{state}</span>}
    >
      {failure !== null && <Notice tone="bad">Could not be read: {reasonOf(failure)}.</Notice>}
      {events.length > 0 && (
        <div class="overview-frame">
          <Table label="Events, newest first" columns={COLUMNS} rows={events} keyOf={({ id }) => id} />
        </div>
      )}
      {events.length === 0 && state === "live" && (
        <Empty title="No events yet" command={'koor-cli events publish hello --data \'{"from":"me"}\''}>
          Events appear here as they are published.
        </Empty>
      )}
    </Section>
  );
}
