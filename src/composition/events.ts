/** Creates the components for events: the hub that fans them out, the streams to clients, and the pruner. */
import { EVENT_PRUNE_INTERVAL_MS } from "../../schemas/limits/events.js";
import { EventCounters } from "../events/counters.js";
import { eventsOf } from "../events/encode.js";
import { EventHistory } from "../events/history.js";
import { Hub } from "../events/hub.js";
import { EventPruner } from "../events/pruner.js";
import { eventRoutes } from "../events/routes.js";
import { Streams } from "../events/stream.js";
import { eventReader } from "../events/table.js";
import type { Route } from "../front/route.js";
import type { Broadcaster } from "../transport/transport.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface EventsArea {
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly streams: Streams;
  readonly pruner: EventPruner;
  readonly routes: readonly Route[];
  readonly onEvents: ServerPushHandlers["events"];
  /** Fans out the stored events that the hub has missed. */
  catchUp(): void;
}

export interface EventsUses {
  readonly ports: Broadcaster;
  readonly cluster: ClusterArea;
}

export function makeEvents(ground: Ground, { ports, cluster: { readBarrier } }: EventsUses): EventsArea {
  const { config, clock, guarded, log, threads, nowMs } = ground;
  const { writer, reads } = threads;
  const stored = reads.model(eventReader);
  const counters = new EventCounters();
  const hub = new Hub(ports, counters, stored.last_id);
  const history = new EventHistory(reads, hub);
  const streams = new Streams({ hub, counters, history: stored, log, readBarrier }, clock);
  return {
    hub,
    history,
    streams,
    pruner: new EventPruner({
      writer,
      keep: config.event_history,
      interval_ms: EVENT_PRUNE_INTERVAL_MS,
      log,
      now_ms: nowMs,
    }),
    routes: eventRoutes({ guarded, writer, reads, hub, history, streams, readBarrier, log }),
    onEvents: (events) => hub.accept(eventsOf(events)),
    catchUp: () => hub.catchUp(stored),
  };
}
