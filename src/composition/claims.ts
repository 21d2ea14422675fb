/**
 * Creates the components for claims, which are leases and claimed tasks. These are the front's projections of leases
 * and tasks, the queues of calls that wait for a claim, and the expiry of claims.
 */
import type { BackgroundTask } from "../platform/background/task.js";
import { CLAIM_SHARED_GRACE_MS } from "../../schemas/limits/claims.js";
import type { PauseDetector } from "../base/pause-detector.js";
import type { Failure } from "../base/result.js";
import { Expiry } from "../features/claims/expiry.js";
import { LeasePresenter } from "../features/claims/lease-presenter.js";
import { LeaseProjection } from "../features/claims/lease-projection.js";
import { ResourceWatch } from "../features/claims/resource-watch.js";
import { leaseReader } from "../features/claims/table.js";
import type { Route } from "../platform/front/route.js";
import { holdersOf } from "../features/instances/holders.js";
import { QueuedCalls } from "../features/leases/queued-calls.js";
import { EvidenceFront } from "../features/evidence/front.js";
import { evidenceReader } from "../features/evidence/table.js";
import { evidenceRoutes } from "../features/evidence/routes.js";
import { guardRoutes } from "../features/guard/routes.js";
import { leaseRoutes } from "../features/leases/routes.js";
import { ClaimWaiters } from "../features/tasks/claim-waiters.js";
import type { SeenEvidenceOptions } from "../features/hooks/seen-evidence.js";
import { requiredTable } from "../features/tasks/required-table.js";
import { taskRoutes } from "../features/tasks/routes.js";
import { taskReader, type TaskReader } from "../features/tasks/table.js";
import { TaskProjection } from "../features/tasks/task-projection.js";
import type { AgentsArea } from "./agents.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface ClaimsArea {
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  /** The calls that wait until a resource is free. */
  readonly resources: ResourceWatch;
  readonly tasks: TaskProjection;
  readonly taskReader: TaskReader;
  /** The evidence for tasks: the commands that tasks require, and the observed results of commands. */
  readonly evidence: Pick<SeenEvidenceOptions, "tasks" | "required" | "records">;
  readonly expiry: Expiry;
  readonly claimers: ClaimWaiters;
  /** Converts a failure of the writer to the form that clients get. The writer names leases by their database rows. */
  readonly toClientFailure: (failure: Failure) => Failure;
  readonly background: readonly BackgroundTask[];
  readonly routes: readonly Route[];
  readonly onLeases: ServerPushHandlers["leases"];
  readonly onTasks: ServerPushHandlers["tasks"];
  /**
   * Ends the waits that an earlier run of the server has left, unless a client has continued them. Call it once, after
   * the handlers of push messages are set and before the first call.
   */
  begin(): void;
  /** Reads leases and tasks into memory again. */
  reload(): void;
  /** Ends the calls that wait for a claim. */
  endWaiting(): void;
}

export interface ClaimsUses {
  readonly agents: AgentsArea;
  readonly cluster: ClusterArea;
  readonly pauseDetector: PauseDetector;
  /** Returns whether a budget or a rate limit keeps an instance from claiming tasks. */
  readonly isHeld: (instance: string) => boolean;
}

export function makeClaims(ground: Ground, { agents, cluster, pauseDetector, isHeld }: ClaimsUses): ClaimsArea {
  const { config, clock, guarded, log, threads, nowMs } = ground;
  const { writer, reads } = threads;
  const { directory } = agents;
  const { leads, alone } = cluster;
  const leases = new LeaseProjection();
  const leaseRows = reads.model(leaseReader);
  const expiry = new Expiry({
    leases,
    holders: holdersOf(directory),
    writer,
    clock,
    log,
    pauseDetector,
    shared: config.cluster === "" ? null : { isLeader: leads, hasNoPeers: alone, graceMs: CLAIM_SHARED_GRACE_MS },
  });
  leases.load(leaseRows.live());
  const presenter = new LeasePresenter({ leases, expiry, reader: leaseRows });
  const taskRows = reads.model(taskReader);
  const tasks = new TaskProjection(taskRows, leases, nowMs);
  const queuedCalls = new QueuedCalls(leases, writer);
  const claimers = new ClaimWaiters(tasks, () => clock.now());

  return {
    leases,
    presenter,
    resources: new ResourceWatch(leases),
    tasks,
    taskReader: taskRows,
    evidence: { tasks: taskRows, required: reads.model(requiredTable), records: reads.model(evidenceReader) },
    expiry,
    claimers,
    toClientFailure: (failure) => presenter.showFailure(failure),
    background: [expiry, queuedCalls, tasks],
    routes: [
      ...leaseRoutes({ writer, reads, leases, presenter, queuedCalls, reader: leaseRows, log, directory }),
      ...guardRoutes({ writer, directory }),
      ...evidenceRoutes(new EvidenceFront({ guarded, writer, reads, directory, leases, log })),
      ...taskRoutes({
        guarded,
        writer,
        reads,
        directory,
        waiters: claimers,
        isHeld,
        tasks,
        leases,
        presenter,
        expiry,
        clock,
        log,
      }),
    ],
    onLeases: (records) => leases.accept(records),
    onTasks: (message) => tasks.accept(message, clock.now()),
    begin: () => {
      queuedCalls.checkAll();
      queuedCalls.tick();
    },
    reload: () => {
      leases.load(leaseRows.live());
      queuedCalls.checkAll();
      tasks.catchUp(clock.now());
    },
    endWaiting: () => {
      leases.end();
      claimers.end();
    },
  };
}
