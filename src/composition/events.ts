/**
 * Creates the components for events: the hub that sends each event to its subscribers, and the streams that send events
 * to clients.
 */
import { EventCounters } from "../features/events/counters.js";
import { eventsOf } from "../features/events/encode.js";
import { EventHistory } from "../features/events/history.js";
import { Hub } from "../features/events/hub.js";
import { eventRoutes } from "../features/events/routes.js";
import { ReplayPages } from "../features/events/replay-pages.js";
import { Streams } from "../features/events/stream.js";
import { eventReader } from "../features/events/table.js";
import type { Route } from "../platform/front/route.js";
import type { Broadcaster } from "../platform/transport/transport.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface EventsArea {
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly streams: Streams;
  readonly routes: readonly Route[];
  readonly onEvents: ServerPushHandlers["events"];
  /** Sends the stored events that the hub has missed to its subscribers. */
  catchUp(): void;
}

export interface EventsUses {
  readonly ports: Broadcaster;
  readonly cluster: ClusterArea;
}

export function makeEvents(ground: Ground, { ports, cluster: { readBarrier } }: EventsUses): EventsArea {
  const { clock, guarded, log, threads } = ground;
  const { writer, reads } = threads;
  const stored = reads.model(eventReader);
  const counters = new EventCounters();
  const hub = new Hub(ports, counters, stored.lastId);
  writer.refuseBy(() => hub.refuseWrite());
  const pages = new ReplayPages(stored, hub.turns);
  const history = new EventHistory(reads, hub);
  const streams = new Streams({ hub, counters, history: stored, pages, log, readBarrier }, clock);
  return {
    hub,
    history,
    streams,
    routes: eventRoutes({ guarded, writer, reads, hub, history, streams, readBarrier, log }),
    onEvents: (events) => hub.accept(eventsOf(events)),
    catchUp: () => hub.catchUp(stored),
  };
}
