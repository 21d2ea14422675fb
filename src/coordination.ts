/**
 * Creates and connects the components for coordination: agents, claims, tasks, messages, and waiting for all of them.
 * It is a part of the composition root (src/server.ts). These components use each other. All other components use only
 * the members of `Coordination`. The file of each component describes what it does.
 */
import type { Config } from "../schemas/config.js";
import {
  CLAIM_SHARED_GRACE_MS,
  INSTANCE_SHARED_FLUSH_INTERVAL_MS,
  INSTANCE_SHARED_FLUSH_PART,
  SILENCE_SHARED_GRACE_PART,
  LEASE_PRUNE_INTERVAL_MS,
  MESSAGE_PRUNE_INTERVAL_MS,
  TASK_PRUNE_INTERVAL_MS,
} from "../schemas/limits.js";
import { Stepwise } from "./background/stepwise.js";
import { whileLeader, type BackgroundTask } from "./background/task.js";
import type { Clock } from "./base/clock.js";
import type { Log } from "./base/log.js";
import { auditReader } from "./audit/table.js";
import type { Failure } from "./base/result.js";
import type { PauseDetector } from "./base/pause-detector.js";
import type { ChangeReaders } from "./changes/readers.js";
import { pruneLeases } from "./claims/commands.js";
import { Expiry } from "./claims/expiry.js";
import { LeaseProjection } from "./claims/lease-projection.js";
import { ResourceWatch } from "./claims/resource-watch.js";
import { leaseReader } from "./claims/table.js";
import { LeasePresenter } from "./claims/lease-presenter.js";
import type { EventHistory } from "./events/history.js";
import type { Hub } from "./events/hub.js";
import { eventReader } from "./events/table.js";
import type { Positions } from "./front/positions.js";
import type { Route } from "./front/route.js";
import { InstanceActors } from "./instances/actors.js";
import { Directory } from "./instances/directory.js";
import { Instances } from "./instances/front.js";
import { holdersOf } from "./instances/holders.js";
import { Liveness } from "./instances/liveness.js";
import { instanceRoutes } from "./instances/routes.js";
import { LastSeenFlusher } from "./instances/last-seen-flusher.js";
import { instanceReader } from "./instances/table.js";
import { PendingPruner } from "./instances/pending-pruner.js";
import { InstanceWatch } from "./instances/watch.js";
import { QueuedCalls } from "./leases/queued-calls.js";
import { leaseRoutes } from "./leases/routes.js";
import type { Measured } from "./measure/exposition.js";
import { MessageBoxes } from "./messages/boxes.js";
import { MessageFront } from "./messages/front.js";
import { MessagePruner } from "./messages/pruner.js";
import { messageRoutes } from "./messages/routes.js";
import { messageReader } from "./messages/table.js";
import type { PUSH_MESSAGES } from "./methods.js";
import { NO_CALLER } from "./rpc/frames.js";
import { SPECS, STATE } from "./versioned/space.js";
import { ClaimWaiters } from "./tasks/claim-waiters.js";
import { pruneTasks } from "./tasks/commands.js";
import { TaskProjection } from "./tasks/task-projection.js";
import { taskRoutes } from "./tasks/routes.js";
import { taskReader } from "./tasks/table.js";
import type { PushHandlers, Threads } from "./threads/open.js";
import { specReader, stateReader } from "./versioned/table.js";
import { KeyWatch } from "./versioned/watch.js";
import { conditionRows } from "./wait/conditions.js";
import { WaitFront } from "./wait/front.js";
import { MissedEvents } from "./wait/missed-events.js";
import { waitRoutes } from "./wait/routes.js";

/** The dependencies of these components. */
export interface CoordinationGround {
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly threads: Threads<typeof PUSH_MESSAGES>;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
  /** Whether background work runs on this server. In a cluster it runs only on the leader. */
  readonly leads: () => boolean;
  /** Whether no other node of the cluster is alive. If so, no other node can have seen an agent lately. */
  readonly alone: () => boolean;
  readonly changes: ChangeReaders;
  readonly hub: Hub;
  readonly history: EventHistory;
  /** Null for a single server. */
  readonly positions: Positions | null;
  /**
   * Called for each instance whose token is not valid any more, after the connections that use the token were closed.
   */
  readonly onRevoked: (id: string) => void;
}

export interface Coordination {
  readonly directory: Directory;
  readonly actors: InstanceActors;
  /** Converts a failure that names leases to the form that clients get. */
  readonly toClientFailure: (failure: Failure) => Failure;
  readonly routes: readonly Route[];
  readonly tasks: readonly BackgroundTask[];
  /** The components that have metrics and are not background tasks. */
  readonly measured: readonly Measured[];
  readonly pushHandlers: Pick<PushHandlers<typeof PUSH_MESSAGES>, "instances" | "leases" | "tasks" | "message_boxes">;
  /**
   * Ends the waits that a previous run of the server left and that no client has continued since. Called once, after
   * the handlers of push messages are set and before the first call.
   */
  begin(): void;
  /** Reads the database into memory again, after a crash of the writer or after a restore. */
  reload(why: "crash" | "restore"): void;
  /** Ends the answers that do not end by themselves, so that their clients stop waiting. */
  endWaiting(): void;
}

export function makeCoordination(ground: CoordinationGround): Coordination {
  const { guarded, config, log, clock, threads, pauseDetector, leads, alone, changes, hub, history, positions } =
    ground;
  const { onRevoked } = ground;
  const shared = config.cluster !== "";
  const { writer, reads } = threads;
  const now_ms = clock.now();

  // The state that the front keeps in memory is created here.
  const instance_rows = reads.model(instanceReader);
  const instance_watch = new InstanceWatch();
  const directory = new Directory({
    onStatus: (entry) => instance_watch.notify(entry),
    onCapabilities: (entry) => {
      instance_watch.notify(entry);
      claimers.look(entry.id);
    },
    onReactivated: (id) => {
      changes.report("instance", id, null);
      // The flush is sent to the writer before the request that shows the agent to be active. So a client that reads at
      // another node after that request finds the agent active there.
      if (shared) void lastSeenFlusher.flush();
    },
    onSeen: ({ id }, seen_ms) => expiry.endOverdue(id, seen_ms),
    onIdle: ({ id }) => expiry.hurry(id),
    onRevoked: (id, token_hash) => {
      actors.revoke(id, token_hash);
      onRevoked(id);
    },
  });
  const actors = new InstanceActors(directory, clock);
  directory.load(instance_rows.all());
  const leases = new LeaseProjection();
  const lease_rows = reads.model(leaseReader);
  const expiry = new Expiry({
    leases,
    holders: holdersOf(directory),
    writer,
    clock,
    log,
    pauseDetector,
    shared: shared ? { isLeader: leads, hasNoPeers: alone, grace_ms: CLAIM_SHARED_GRACE_MS } : null,
  });
  leases.load(lease_rows.live());
  const views = new LeasePresenter({ leases, expiry, reader: lease_rows });
  const task_rows = reads.model(taskReader);
  const ready_tasks = new TaskProjection(task_rows, leases, now_ms);
  const message_rows = reads.model(messageReader);
  const boxes = new MessageBoxes(message_rows);

  // Waiting
  const lines = new QueuedCalls(leases, writer);
  const claimers = new ClaimWaiters(ready_tasks, () => clock.now());
  const stored = reads.model(eventReader);
  const [state_rows, spec_rows, audit] = [reads.model(stateReader), reads.model(specReader), reads.model(auditReader)];
  const waits = new WaitFront({
    rows: conditionRows({
      hub,
      history,
      missedEvents: new MissedEvents({ hub, history, stored }),
      state: { reader: state_rows, watch: new KeyWatch(writer.changes, STATE), audit },
      specs: { reader: spec_rows, watch: new KeyWatch(writer.changes, SPECS), audit },
      messages: { boxes, reader: message_rows, clock },
      leases: { leases, presenter: views, resources: new ResourceWatch(leases) },
      tasks: { tasks: ready_tasks, reader: task_rows, directory, watch: instance_watch, clock },
      instances: { directory, watch: instance_watch },
    }),
    hub,
    stored,
    directory,
    valuesPosition: () => ({ state: state_rows.last_row, spec: spec_rows.last_row, audit: audit.last_id }),
    positions,
  });

  // Background work
  const { stale_after, liveness_interval, task_retention } = config;
  const grace_ms = Math.min(CLAIM_SHARED_GRACE_MS, Math.floor(stale_after * SILENCE_SHARED_GRACE_PART));
  const shared_flush_ms = Math.min(INSTANCE_SHARED_FLUSH_INTERVAL_MS, stale_after * INSTANCE_SHARED_FLUSH_PART);
  const liveness = new Liveness({
    directory,
    writer,
    clock,
    log,
    pauseDetector,
    stale_after_ms: () => stale_after + (alone() ? 0 : grace_ms),
    interval_ms: liveness_interval,
  });
  const lastSeenFlusher = new LastSeenFlusher(directory, writer, now_ms, shared ? shared_flush_ms : null);
  const tasks: readonly BackgroundTask[] = [
    whileLeader(leads, liveness),
    whileLeader(leads, new PendingPruner({ directory, writer, log, now_ms })),
    expiry,
    lines,
    ready_tasks,
    whileLeader(
      leads,
      new Stepwise({
        interval_ms: LEASE_PRUNE_INTERVAL_MS,
        now_ms,
        step: (after) => writer.request(pruneLeases, { after }, NO_CALLER),
      }),
    ),
    whileLeader(
      leads,
      new Stepwise({
        interval_ms: Math.min(TASK_PRUNE_INTERVAL_MS, task_retention),
        now_ms,
        step: (after, at_ms) => writer.request(pruneTasks, { after, ended_before: at_ms - task_retention }, NO_CALLER),
      }),
    ),
    whileLeader(leads, new MessagePruner({ writer, boxes, interval_ms: MESSAGE_PRUNE_INTERVAL_MS, log, now_ms })),
    lastSeenFlusher,
  ];

  const workspaceOf = (instance: string): string => directory.get(instance)?.workspace ?? "";
  const routes = [
    ...instanceRoutes(
      guarded,
      new Instances({ directory, writer, clock, log, flushLastSeen: shared ? () => lastSeenFlusher.flush() : null }),
      liveness,
    ),
    ...leaseRoutes({
      writer,
      reads,
      leases,
      presenter: views,
      queuedCalls: lines,
      reader: lease_rows,
      log,
      workspaceOf,
    }),
    ...taskRoutes({
      guarded,
      writer,
      reads,
      directory,
      waiters: claimers,
      tasks: ready_tasks,
      leases,
      presenter: views,
      expiry,
      clock,
      log,
    }),
    ...messageRoutes(new MessageFront({ guarded, writer, reads, directory, boxes, clock, log })),
    ...waitRoutes(waits),
  ];
  return {
    directory,
    actors,
    toClientFailure: (failure) => views.showFailure(failure),
    routes,
    tasks,
    measured: [directory, leases, boxes, waits],
    pushHandlers: {
      instances: ({ changed, seen }) => {
        for (const id of changed) directory.applyRemote(id, instance_rows.byId(id));
        for (const { rows, last_seen, busy_until } of seen)
          for (const [at, row] of rows.entries()) directory.applyLastSeen(row, last_seen[at] ?? 0, busy_until[at] ?? 0);
      },
      leases: (records) => leases.accept(records),
      tasks: (message) => ready_tasks.accept(message, clock.now()),
      message_boxes: (message) => boxes.accept(message),
    },
    begin: () => {
      lines.checkAll();
      lines.tick();
    },
    reload: (why) => {
      directory.load(instance_rows.all());
      leases.load(lease_rows.live());
      lines.checkAll();
      ready_tasks.catchUp(clock.now());
      boxes.catchUp();
      // After a restore the events are those of the snapshot, so the cursors of waiting calls are not valid any more.
      if (why === "restore") waits.lag();
      else waits.catchUp();
    },
    endWaiting: () => {
      leases.end();
      claimers.end();
      boxes.end();
      waits.end();
    },
  };
}
