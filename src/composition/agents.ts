/**
 * Creates the components for agents: the directory of instances, their tokens, and their background tasks. These tasks
 * find silent instances, and store when each instance was last seen.
 */
import { CLAIM_SHARED_GRACE_MS, SILENCE_SHARED_GRACE_PART } from "../../schemas/limits/claims.js";
import { INSTANCE_SHARED_FLUSH_INTERVAL_MS, INSTANCE_SHARED_FLUSH_PART } from "../../schemas/limits/instances.js";
import { whileLeader, type BackgroundTask } from "../platform/background/task.js";
import type { PauseDetector } from "../base/pause-detector.js";
import type { ChangeReaders } from "../features/changes/readers.js";
import type { Route } from "../platform/front/route.js";
import { AgentSessions } from "../features/agent-sessions/front.js";
import { InstanceActors } from "../features/instances/actors.js";
import { Directory } from "../features/instances/directory.js";
import { Instances } from "../features/instances/front.js";
import { LastSeenFlusher } from "../features/instances/last-seen-flusher.js";
import { InstanceLists } from "../features/instances/lists.js";
import { Liveness } from "../features/instances/liveness.js";
import { instanceRoutes } from "../features/instances/routes.js";
import { instanceReader } from "../features/instances/table.js";
import { InstanceWatch } from "../features/instances/watch.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface AgentsArea {
  readonly directory: Directory;
  readonly lists: InstanceLists;
  readonly actors: InstanceActors;
  readonly watch: InstanceWatch;
  /** The background tasks that change instances. In a cluster they run only on the leader. */
  readonly upkeep: readonly BackgroundTask[];
  readonly lastSeenFlusher: LastSeenFlusher;
  /** Begins and ends the sessions of agents' clients. */
  readonly sessions: AgentSessions;
  readonly routes: readonly Route[];
  readonly onInstances: ServerPushHandlers["instances"];
  /** Reads the instances into memory again. */
  reload(): void;
}

export interface AgentsUses {
  readonly cluster: ClusterArea;
  readonly pauseDetector: PauseDetector;
  readonly changes: ChangeReaders;
  /** Called when the capabilities of an instance have changed, because it may then claim other tasks. */
  readonly onCapabilities: (id: string) => void;
  /** Called when a silent instance that has claims becomes active, before its last-seen time changes. */
  readonly onSeen: (id: string, seenMs: number) => void;
  /** Called when an instance with claims becomes idle earlier than it has announced. */
  readonly onIdle: (id: string) => void;
  /** Called after an instance's token was revoked. The connections that used it are already closed. */
  readonly onRevoked: (id: string) => void;
}

export function makeAgents(ground: Ground, uses: AgentsUses): AgentsArea {
  const { config, clock, guarded, log, threads, nowMs } = ground;
  const { cluster, pauseDetector, changes } = uses;
  const { writer, reads } = threads;
  const shared = config.cluster !== "";
  const rows = reads.model(instanceReader);
  const watch = new InstanceWatch();
  const directory = new Directory({
    onStatus: (entry) => watch.notify(entry),
    onCapabilities: (entry) => {
      watch.notify(entry);
      uses.onCapabilities(entry.id);
    },
    onReactivated: (id) => {
      changes.report("instance", id, null);
      // Flush the last-seen time before the writer gets the request that makes the agent active again. Then a client
      // that reads from another node after that request finds the agent active there.
      if (shared) void lastSeenFlusher.flush();
    },
    onSeen: ({ id }, seenMs) => uses.onSeen(id, seenMs),
    onIdle: ({ id }) => uses.onIdle(id),
    onRevoked: (id, tokenHash) => {
      actors.revoke(id, tokenHash);
      uses.onRevoked(id);
    },
  });
  const actors = new InstanceActors(directory, clock);
  directory.load(rows.all());

  const { stale_after: staleAfterMs, liveness_interval: intervalMs } = config;
  const graceMs = Math.min(CLAIM_SHARED_GRACE_MS, Math.floor(staleAfterMs * SILENCE_SHARED_GRACE_PART));
  const sharedFlushMs = Math.min(INSTANCE_SHARED_FLUSH_INTERVAL_MS, staleAfterMs * INSTANCE_SHARED_FLUSH_PART);
  const liveness = new Liveness({
    directory,
    writer,
    clock,
    log,
    pauseDetector,
    stale_after_ms: () => staleAfterMs + (cluster.alone() ? 0 : graceMs),
    intervalMs: intervalMs,
  });
  const lastSeenFlusher = new LastSeenFlusher(directory, writer, nowMs, shared ? sharedFlushMs : null);
  const lists = new InstanceLists(directory);
  const flushLastSeen = shared ? () => lastSeenFlusher.flush() : null;
  return {
    directory,
    lists,
    actors,
    watch,
    upkeep: [whileLeader(cluster.leads, liveness)],
    lastSeenFlusher,
    sessions: new AgentSessions({ guarded, directory, writer, rows, clock, log }),
    routes: instanceRoutes(guarded, new Instances({ directory, writer, clock, log, flushLastSeen }), lists, liveness),
    onInstances: ({ changed, seen }) => {
      for (const id of changed) directory.applyStored(id, rows.byId(id));
      for (const { rows: ids, last_seen, busy_until } of seen)
        for (const [at, id] of ids.entries()) directory.applyLastSeen(id, last_seen[at] ?? 0, busy_until[at] ?? 0);
    },
    reload: () => directory.load(rows.all()),
  };
}
