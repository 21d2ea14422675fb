/** Shows the newest events as sentences, live, newest first. The time of each is a link to the event itself. */
import { useEventFeed } from "../../api/event-feed.js";
import type { HeldEvent } from "../../api/event-list.js";
import { reasonOf } from "../../api/client.js";
import { addressOf } from "../../base/address.js";
import { query } from "../../base/path.js";
import { Empty } from "../../parts/empty.js";
import { sentenceOf } from "../../parts/event-sentence.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Sentence } from "../../parts/sentence.js";
import { Time } from "../../parts/time.js";

/** The newest events of all topics. */
const NEWEST = { pattern: "", since: null, first: 25, keep: 30 } as const;

export function Happenings() {
  const feed = useEventFeed(NEWEST);
  const failure = feed.failure.value;
  const state = feed.state.value;
  const events = feed.list.value.events.toReversed();
  return (
    <Section
      title="What happens"
      actions={state === "live" ? <a href={addressOf("events")}>All events</a> : <span class="hint">{state}</span>}
    >
      {failure !== null && <Notice tone="bad">Could not be read: {reasonOf(failure)}.</Notice>}
      {events.length > 0 && (
        <ol class="happenings" aria-label="Events, newest first" tabIndex={0}>
          {events.map((event) => (
            <Happening key={event.id} event={event} />
          ))}
        </ol>
      )}
      {events.length === 0 && state === "live" && (
        <Empty title="No events yet" command={'koor-cli events publish hello --data \'{"text":"I am here"}\''}>
          What agents do appears here as it happens.
        </Empty>
      )}
    </Section>
  );
}

function Happening({ event }: { readonly event: HeldEvent }) {
  const { id, topic, created_at } = event;
  return (
    <li title={topic}>
      <a class="happening-time" href={addressOf("events") + query({ id })}>
        <Time at={created_at} as="clock" />
      </a>
      <span class="happening-text">
        <Sentence of={sentenceOf(event)} />
      </span>
    </li>
  );
}
