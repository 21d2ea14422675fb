/** Connects an EventFollower to the server that serves the page. Gives it the browser's WebSocket, fetch and timers. */
import { useEffect, useMemo } from "preact/hooks";
import { getJson } from "./client.js";
import { query } from "../base/path.js";
import { EventFollower, type EventFeedOptions, type EventHost } from "./event-follower.js";
import type { Event } from "./types.js";
import { listenForVisibility } from "../base/visibility.js";

export type { EventFeedOptions, EventFeedState } from "./event-follower.js";

const HOST: EventHost = {
  history: (parameters) => getJson<Event[]>(`/api/events/history${query({ ...parameters })}`),
  subscribe: (pattern, since, subscriber) => {
    const address = new URL(`/api/events/subscribe${query({ pattern, since, notices: 1 })}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    const listening = new AbortController();
    const { signal } = listening;
    socket.addEventListener("open", () => subscriber.opened(), { signal });
    socket.addEventListener("message", ({ data }) => subscriber.message(String(data)), { signal });
    socket.addEventListener("close", () => subscriber.closed(), { signal });
    return () => {
      listening.abort();
      // Close the socket only after it has opened, because browsers log an error if it is closed before.
      if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
      else socket.close();
    };
  },
  later: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
  nowMs: () => Date.now(),
  listenForVisibility,
};

export class EventFeed extends EventFollower {
  constructor(options: EventFeedOptions) {
    super(options, HOST);
  }
}

/** Returns an event feed with these options. It is closed when the component unmounts. */
export function useEventFeed(options: EventFeedOptions): EventFeed {
  const feed = useMemo(() => new EventFeed(options), [options.pattern, options.since, options.until]);
  useEffect(() => () => feed.close(), [feed]);
  return feed;
}
