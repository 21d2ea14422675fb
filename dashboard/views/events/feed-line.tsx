/**
 * Shows the state of the event feed, and the rate of events in the last minute. The state is live, reconnecting, or
 * catching up with the number of missing events.
 */
import type { EventFeed, EventFeedState } from "../../api/event-feed.js";
import { nowMs } from "../../base/clock.js";
import { clockTime, count, plural } from "../../base/format.js";
import { Badge, type BadgeTone } from "../../parts/badge.js";
import { Sparkline } from "../../parts/sparkline.js";
import { addressFor, formatRate, type Asked } from "./model.js";

interface FeedLineProps {
  readonly feed: EventFeed;
  readonly asked: Asked;
  /** The number of events received since the user paused the list; null if it is not paused. */
  readonly waiting: number | null;
}

export function FeedLine({ feed, asked, waiting }: FeedLineProps) {
  return (
    <div class="feed-line">
      {feed.full.value ? <Rest feed={feed} asked={asked} /> : <FeedState feed={feed} />}
      {waiting !== null && (
        <span>
          paused: <strong>{plural(waiting, "new event")}</strong>
        </span>
      )}
      <Rate feed={feed} />
    </div>
  );
}

/** A link that continues a replay. It is needed because a replay stops at its last event, or when the page is full. */
function Rest({ feed, asked }: Pick<FeedLineProps, "feed" | "asked">) {
  const { events } = feed.list.value;
  const last = Math.max(events.at(-1)?.id ?? 0, asked.until ?? 0);
  return (
    <>
      <span role="status">
        <Badge tone="warn">stopped</Badge>
      </span>
      <span>
        {plural(events.length, "event")} shown
        {asked.until === null && `, ${count(feed.lag.value)} behind`}:{" "}
        <a href={addressFor({ ...asked, since: last, until: null, id: null })}>continue after event {last}</a>
      </span>
    </>
  );
}

const TONES: Readonly<Record<EventFeedState, BadgeTone>> = {
  off: "plain",
  connecting: "plain",
  live: "good",
  "catching up": "warn",
  reconnecting: "bad",
};

function FeedState({ feed }: Pick<FeedLineProps, "feed">) {
  const state = feed.state.value;
  // A feed that failed to start has no state to show. The pattern field shows the error.
  if (feed.failure.value !== null) return null;
  const lostMs = feed.lostMs.value;
  const words = {
    off: "paused",
    connecting: "connecting…",
    live: "live",
    "catching up": `catching up: ${count(feed.lag.value)} behind`,
    reconnecting: "reconnecting…",
  }[state];
  return (
    <>
      {/* While the feed catches up, screen readers do not announce the state, because the count changes too often. */}
      <span role={state === "catching up" ? undefined : "status"}>
        <Badge tone={TONES[state]}>{words}</Badge>
      </span>
      {state === "reconnecting" && lostMs !== null && (
        <span>disconnected since {clockTime(lostMs, nowMs.value)}: missed events are shown after the reconnect</span>
      )}
    </>
  );
}

function Rate({ feed }: Pick<FeedLineProps, "feed">) {
  const counts = feed.lastMinute(nowMs.value);
  const rate = formatRate(counts);
  return (
    <span class="feed-rate" title={`${rate} in the last minute, at most ${count(Math.max(...counts))} in a second`}>
      <Sparkline values={counts} label={`Events of each second of the last minute: ${rate}`} />
      <span class="feed-figure">{rate}</span>
    </span>
  );
}
