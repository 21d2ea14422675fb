/**
 * The writer's memory of the live claims. It knows which holder has which lease under which fence, and which claims
 * wait. Each change is stored, published as an event and pushed to the front in the same transaction. The front decides
 * when a claim expires, because only the front sees the holders' heartbeats (expiry.ts). This module then ends the
 * claim.
 *
 * A holder has a task by a claim of the same type. If the task has resources, its claim is also a lease. If it has
 * none, the claim appears only as part of the task. When the claim of a task ends, the tasks module decides what
 * happens to the task (`TaskClaims`). Runs in the writer thread.
 */
import * as Type from "typebox";
import {
  type AcquireRequest,
  type EndClaimsRequest,
  LeaseRecord,
  type LeaveReply,
  type LeaveRequest,
} from "../../schemas/leases.js";
import type { ReleaseRequest, RenewRequest } from "../../schemas/leases.js";
import { specName } from "../../schemas/specs.js";
import { LEASE_CONFLICTS_MAX, LEASES_MAX, LEASES_OF_HOLDER_MAX } from "../../schemas/limits/leases.js";
import { auditTrail } from "../audit/table.js";
import { Groups } from "../base/groups.js";
import { TurnoverMap } from "../base/turnover-map.js";
import { NEEDS_INSTANCE } from "../base/needs-instance.js";
import { Failure } from "../base/result.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { idempotencyRecords, type IdempotencyRecords } from "../idempotency/records.js";
import type { PushMessage } from "../rpc/method.js";
import type { AuditTrail } from "../threads/transaction.js";
import { type Model, type Opening, type Publication, PublishingModel } from "../threads/model.js";
import type { WriteCall } from "../threads/writer-method.js";
import { ClaimBytes } from "./claim-bytes.js";
import { isLease, leaseId, type LiveLease, liveLease, noLease, resourcesOf, TOO_MANY_STEPS } from "./lease.js";
import { type Claim, LockTable } from "./lock-table.js";
import { conflictMembers, deadlock, FENCE_REQUIRED, LEASE_LOST, NOT_YOURS, STALE_FENCE, taken } from "./refusals.js";
import { type Resource, valueResource } from "./resource.js";
import { ClaimCounters, LeaseWriter } from "./table.js";
import { SERVER, publishLeaseEvent } from "./lease-events.js";

/** The push message that carries the leases changed by a commit, in the order of their changes. */
export const LEASES = { name: "leases", payload: Type.Array(LeaseRecord) } as const satisfies PushMessage;

const NONE: readonly LiveLease[] = [];

/** The reason for which a claim was lost. */
export type Loss = "expired" | "max_s" | "broken" | "holder deleted" | "restored";

/** The claim that a caller asks for. */
export interface Wanted {
  /** The holder's name. */
  readonly name: string;
  readonly workspace: string;
  readonly resources: readonly Resource[];
  readonly shared: boolean;
  readonly reason: string;
  readonly task: string | null;
  readonly ttl_s: number;
  readonly max_s: number;
  readonly queued: boolean;
}

/** The members that change when a claim ends. An absent member keeps its value. */
type End = Pick<LeaseRecord, "state"> & Partial<Pick<LeaseRecord, "reason" | "note">>;

/** The interface by which the claim registry tells the tasks module that the claim of a task has ended. */
export interface TaskClaims {
  /**
   * Called when the claim of a task has ended for any reason other than a call about the task itself.
   * @param loss the reason for which the claim was lost; null if the holder released it
   */
  claimEnded(claim: LeaseRecord, loss: Loss | null, call: WriteCall): void;
  /**
   * Called after an instance was deleted and its claims have ended. Tasks that were reserved for the instance must
   * change.
   */
  holderGone(holder: string, call: WriteCall): void;
}

export class ClaimRegistry extends PublishingModel {
  readonly #table: LeaseWriter;
  readonly #counters: ClaimCounters;
  readonly #events: Publisher;
  readonly #audit: AuditTrail;
  readonly #requests: IdempotencyRecords;
  readonly #lockTable = new LockTable<LiveLease>();
  readonly #live = new TurnoverMap<number, LiveLease>();
  readonly #bytes = new ClaimBytes();
  /** Claims of tasks without resources, by holder. */
  readonly #bare = new Groups<string, LiveLease>();
  /** Caches the names of the instances that have asked for a claim. An instance keeps its name until it is deleted. */
  readonly #names = new Map<string, string>();
  #tasks: TaskClaims | null = null;
  /**
   * The number of exclusive leases of `state:` and `spec:` resources. While it is 0, a write of a value skips the lease
   * check.
   */
  #values_leased = 0;
  #changed: LeaseRecord[] = [];
  /** The resources for which the registry itself has written audit rows in this transaction. */
  #audited: string[] = [];
  /** Claims that are stored as waiting although nothing blocks them. `settle` grants them. */
  #free: LiveLease[] = [];

  constructor({ db, rows, use }: Pick<Opening, "db" | "rows" | "use">) {
    super();
    this.#table = new LeaseWriter(db, rows);
    this.#counters = new ClaimCounters(db);
    rows.add(this.#counters);
    this.#events = use(publisher);
    this.#audit = use(auditTrail);
    this.#requests = use(idempotencyRecords);
    this.reload();
  }

  /** Registers the tasks module, whose methods are called when the claim of a task ends. */
  serve(tasks: TaskClaims): void {
    this.#tasks = tasks;
  }

  reload(): void {
    this.#lockTable.clear();
    this.#bare.clear();
    this.#names.clear();
    this.#live.clear();
    this.#bytes.clear();
    this.#values_leased = 0;
    this.#changed = [];
    this.#audited = [];
    this.#counters.forget();
    const leases = this.#table.stored.live().map(liveLease);
    for (const lease of leases) {
      this.#live.set(lease.order, lease);
      this.#bytes.add(lease);
      if (lease.record.state === "held") this.#takeHeld(lease);
    }
    this.#free = leases
      .filter(({ record }) => record.state === "waiting")
      .filter((lease) => !this.#lockTable.enqueue(lease));
  }

  afterCommit({ changes, push }: Publication): void {
    for (const record of this.#changed) if (isLease(record)) changes?.add("lease", leaseId(record.row), null);
    for (const resource of this.#audited.splice(0)) changes?.add("audit", resource, null);
    if (this.#changed.length === 0) return;
    push(LEASES, this.#changed);
    this.#changed = [];
  }

  /**
   * Grants a lease to the caller. If the lease is taken, the request waits if it allows that; otherwise the refusal is
   * returned.
   */
  acquire(request: AcquireRequest, call: WriteCall): { row: number; made: boolean } | Failure {
    const { actor, now_ms } = call;
    this.settle(call);
    const name = this.nameOf(actor);
    if (name === undefined) return NEEDS_INSTANCE;
    const known = this.#requests.find("lease", actor, request.request_id, now_ms, request.request_hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { row: Number(known), made: false };
    const own = request.reuse === true ? this.#ownAgain(request, actor) : undefined;
    if (own !== undefined) {
      this.#requests.store("lease", actor, request.request_id, String(own.order), now_ms, request.request_hash);
      return { row: own.order, made: false };
    }
    const { waits, queued, request_id, workspace, shared, reason, ttl_s, max_s } = request;
    const resources = resourcesOf(request.resources, workspace);
    const full = this.#fullFor(actor, name, resources);
    if (full !== null) return full;
    if (this.#lockTable.costsTooMuch(resources)) return TOO_MANY_STEPS;
    const asked = newClaim(resources, actor, shared);
    const decision = this.#lockTable.evaluate(asked, waits, LEASE_CONFLICTS_MAX);
    if (decision.kind === "deadlock") return deadlock(decision.cycle, name);
    if (decision.kind === "taken" && !waits) return taken(decision.held, decision.conflicts);
    const wanted: Wanted = { name, workspace, shared, reason, task: null, ttl_s, max_s, resources, queued };
    const lease = this.#store(wanted, decision.kind === "free" ? this.#counters.nextFence() : 0, call);
    publishLeaseEvent(this.#events, decision.kind === "free" ? "lease.granted" : "lease.waiting", lease.record, call);
    if (decision.kind === "free") this.#hold(lease, decision.overtakes, call);
    else this.#lockTable.enqueue(lease);
    this.#requests.store("lease", actor, request_id, String(lease.order), now_ms, request.request_hash);
    return { row: lease.order, made: true };
  }

  /**
   * Finds a lease of the same resources that the holder already has, so that a repeated request gets that lease. Raises
   * its time to live to that of the request.
   */
  #ownAgain({ resources, shared, workspace, ttl_s }: AcquireRequest, holder: string): LiveLease | undefined {
    let first: LiveLease | undefined;
    for (const lease of this.#lockTable.claimsOf(holder)) {
      const { record } = lease;
      // If there are several such leases, take the earliest, because nodes may have read them in different orders.
      if (first !== undefined && first.order < lease.order) continue;
      if (record.state !== "held" || record.task !== null) continue;
      if (record.shared !== shared || record.workspace !== workspace) continue;
      if (haveSameTexts(record.resources, resources)) first = lease;
    }
    if (first !== undefined && first.record.ttl_s < ttl_s) this.#change(first, { ...first.record, ttl_s });
    return first;
  }

  /** Releases a lease of the caller, or takes its request out of the queue. */
  release({ row, fence }: ReleaseRequest, call: WriteCall): { changed: boolean } | Failure {
    this.settle(call);
    if (call.actor === "") return NEEDS_INSTANCE;
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined || !isLease(record)) return noLease(leaseId(row));
    if (record.holder !== call.actor) return NOT_YOURS;
    if (lease === undefined)
      // A request that left the queue was never granted, so it has no fence that could be compared.
      return record.state === "released" && (fence === null || fence === record.fence || record.fence === 0)
        ? { changed: false }
        : LEASE_LOST;
    if (record.state === "held" && fence === null) return FENCE_REQUIRED;
    if (record.state === "held" && fence !== record.fence) return LEASE_LOST;
    this.#end(lease, { state: "released" }, call);
    this.#notifyTask(lease.record, null, call);
    return { changed: true };
  }

  /** Renews a lease. The call counts as a heartbeat of the holder, and it may change the time to live. */
  renew({ row, fence, ttl_s }: RenewRequest, call: WriteCall): { changed: boolean } | Failure {
    if (call.actor === "") return NEEDS_INSTANCE;
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined || !isLease(record)) return noLease(leaseId(row));
    if (record.holder !== call.actor) return NOT_YOURS;
    if (lease !== undefined && record.task !== null)
      return new Failure("ALREADY_EXISTS", `held by task ${record.task}`);
    if (lease === undefined || record.state !== "held" || record.fence !== fence) return LEASE_LOST;
    if (ttl_s === null || ttl_s === record.ttl_s) return { changed: false };
    this.#change(lease, { ...lease.record, ttl_s });
    return { changed: true };
  }

  /** Takes a held lease away from its holder, or removes a waiting request from the queue. */
  breakLease(row: number, note: string, call: WriteCall): { changed: boolean } | Failure {
    this.settle(call);
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined || !isLease(record)) return noLease(leaseId(row));
    if (lease === undefined) return new Failure("ALREADY_EXISTS", `lease is ${record.state}`);
    this.#lose(lease, "broken", note, call);
    return { changed: true };
  }

  /**
   * Grants the claims that were free when the claims were read from the database. Must run before every decision about
   * claims.
   */
  settle(call: WriteCall): void {
    for (const lease of this.#free.splice(0)) if (this.#live.get(lease.order) === lease) this.#grant(lease, call);
  }

  /** Returns the name of an instance, or undefined if the instance is deleted. */
  nameOf(holder: string): string | undefined {
    if (holder === "") return undefined;
    const name = this.#names.get(holder) ?? this.#table.nameOf(holder);
    if (name !== undefined) this.#names.set(holder, name);
    return name;
  }

  /**
   * Returns a function that checks resources for a holder: whether they are free, and how many comparison steps that
   * takes. The steps are a sum over all live claims. Resources that need more than GLOB_STEPS_MAX steps count as not
   * free. The claims must not change between two calls of the function.
   */
  lookFor(holder: string): (resources: readonly Resource[]) => { readonly free: boolean; readonly steps: number } {
    return this.#lockTable.lookFor(holder);
  }

  /**
   * Gives a task to the caller: makes the claim and leases the task's resources, or returns the refusal. Call `settle`
   * first.
   */
  claimTask(wanted: Wanted, call: WriteCall): LeaseRecord | Failure {
    const { resources, shared, name } = wanted;
    const { actor } = call;
    let overtakes = false;
    if (resources.length > 0) {
      const full = this.#fullFor(actor, name, resources);
      if (full !== null) return full;
      if (this.#lockTable.costsTooMuch(resources)) return TOO_MANY_STEPS;
      const decision = this.#lockTable.evaluate(newClaim(resources, actor, shared), false, LEASE_CONFLICTS_MAX);
      if (decision.kind === "taken") return taken(decision.held, decision.conflicts);
      overtakes = decision.kind === "free" && decision.overtakes;
    }
    const lease = this.#store(wanted, this.#counters.nextFence(), call);
    if (isLease(lease.record)) publishLeaseEvent(this.#events, "lease.granted", lease.record, call);
    this.#hold(lease, overtakes, call);
    return lease.record;
  }

  /** The live claim of a row. */
  claimAt(row: number): LeaseRecord | undefined {
    return this.#live.get(row)?.record;
  }

  /** Ends the claim of a task because a call about the task, such as its completion, ends it. */
  endOfTask(row: number, call: WriteCall): void {
    this.settle(call);
    const lease = this.#live.get(row);
    if (lease !== undefined) this.#end(lease, { state: "released" }, call);
  }

  /**
   * Removes a request from the queue if it still waits, unless `stays` is set. Returns the conflicts that blocked it.
   */
  leave({ row, stays }: LeaveRequest, call: WriteCall): LeaveReply | Failure {
    this.settle(call);
    const lease = this.#live.get(row);
    if (lease === undefined) return noLease(leaseId(row));
    if (lease.holder !== call.actor) return NOT_YOURS;
    if (lease.record.state === "held") return { held: true, conflicts: [] };
    const conflicts = this.#lockTable.conflictsOf(lease, LEASE_CONFLICTS_MAX).conflicts.map(conflictMembers);
    if (stays) return { held: false, conflicts };
    this.#end(lease, { state: "released" }, call);
    // Forget the idempotency record: the request got nothing, so a repetition of the call is a new request.
    this.#requests.delete("lease", call.actor, String(row));
    return { held: false, conflicts };
  }

  /** Ends the claims that the front reports as expired. */
  expireClaims({ ends }: EndClaimsRequest, call: WriteCall): void {
    this.settle(call);
    for (const { row, fence, reason, heard_at } of ends) {
      const lease = this.#live.get(row);
      // Keep a claim with a different fence: it was granted after the front reported its end.
      if (lease?.record.fence !== fence) continue;
      const { holder } = lease.record;
      // Another server may have received a heartbeat of the holder after the front's report: keep the claim.
      if (heard_at !== null && reason === "expired" && this.#table.lastSeenOf(holder) > heard_at) continue;
      this.#loseByItself(lease, reason, call);
    }
  }

  /** Ends all claims of an instance that is being deleted, both held and waiting. */
  endHolder(holder: string, call: WriteCall): void {
    this.#names.delete(holder);
    for (const lease of waitingFirst(this.#claimsOf(holder))) this.#loseByItself(lease, "holder deleted", call);
    this.#tasks?.holderGone(holder, call);
  }

  /** Ends all claims after a restore, because claims from a snapshot are no longer valid. */
  endRestored(call: WriteCall): void {
    for (const lease of waitingFirst(this.#live.values())) this.#loseByItself(lease, "restored", call);
  }

  prune(after: number, ended_before_ms: number, rows: number): { removed: number; after: number | null } {
    return this.#table.prune(after, ended_before_ms, rows);
  }

  /**
   * Decides whether a caller may write a value of state or a spec. Returns null if the write is allowed. The write is
   * refused if its fence is not that of a live claim of the caller, or if another holder has leased the value.
   * @param fence the fence that the caller sent; null if the caller sent none
   */
  refuseWrite(kind: "state" | "spec", key: string, fence: number | null, actor: string): Failure | null {
    if (fence !== null && !this.#holds(actor, fence)) return STALE_FENCE;
    if (this.#values_leased === 0) return null;
    const name = kind === "spec" ? specName(key) : key;
    for (const { claim } of this.#lockTable.heldByOthers([valueResource(kind, name)], actor, true))
      return new Failure("LOCKED", `leased by ${claim.record.holder_name}`, { lease: claim.order });
    return null;
  }

  /** Returns the claims of a holder, held or waiting. Claims of tasks without resources are included. */
  #claimsOf(holder: string): LiveLease[] {
    return [...this.#lockTable.claimsOf(holder), ...(this.#bare.get(holder) ?? [])];
  }

  #holds(holder: string, fence: number): boolean {
    return this.#claimsOf(holder).some(({ record }) => record.state === "held" && record.fence === fence);
  }

  #fullFor(holder: string, name: string, resources: readonly Resource[]): Failure | null {
    if (this.#lockTable.held + this.#lockTable.waiting >= LEASES_MAX)
      return new Failure("STOCK_FULL", `${LEASES_MAX} leases are held or waiting`);
    return this.#lockTable.countOf(holder) >= LEASES_OF_HOLDER_MAX
      ? new Failure("STOCK_FULL", `${LEASES_OF_HOLDER_MAX} leases of ${name} are held or waiting`)
      : this.#bytes.refuse(resources, holder, name);
  }

  /** Marks a claim as held. Also grants the waiting claims that the lock table frees because of it. */
  #hold(lease: LiveLease, overtakes: boolean, call: WriteCall): void {
    for (const granted of this.#takeHeld(lease, overtakes)) this.#grant(granted, call);
  }

  /** @param fence 0 if it waits */
  #store(wanted: Wanted, fence: number, { actor, now_ms }: WriteCall): LiveLease {
    const { name, workspace, shared, reason, task, ttl_s, max_s, resources, queued } = wanted;
    const row = this.#counters.nextLease();
    const record: LeaseRecord = {
      row,
      state: fence === 0 ? "waiting" : "held",
      fence,
      holder: actor,
      holder_name: name,
      workspace,
      resources: resources.map(({ text }) => text),
      shared,
      reason,
      note: null,
      task,
      ttl_s,
      max_s,
      offered: false,
      queued,
      requested_at: now_ms,
      granted_at: fence === 0 ? null : now_ms,
      ended_at: null,
    };
    const lease = { order: row, holder: actor, shared, resources, record };
    this.#table.put(record);
    this.#live.set(row, lease);
    this.#bytes.add(lease);
    this.#changed.push(record);
    this.markDirty();
    return lease;
  }

  #change(lease: LiveLease, record: LeaseRecord): void {
    lease.record = record;
    this.#table.put(record);
    this.#changed.push(record);
    this.markDirty();
  }

  /**
   * Counts a held claim and, if it has resources, puts it into the lock table as held. Returns the other claims that
   * the lock table grants because of it.
   */
  #takeHeld(lease: LiveLease, overtakes = false): readonly LiveLease[] {
    this.#countHeld(lease);
    if (isLease(lease.record)) return this.#lockTable.hold(lease, overtakes);
    this.#bare.add(lease.holder, lease);
    return NONE;
  }

  #countHeld(lease: LiveLease): void {
    if (leasesValues(lease)) this.#values_leased += 1;
  }

  /** Stores the grant of a waiting claim that the lock table already holds. */
  #grant(lease: LiveLease, call: WriteCall): void {
    const fence = this.#counters.nextFence();
    this.#change(lease, { ...lease.record, state: "held", fence, offered: true, granted_at: call.now_ms });
    this.#countHeld(lease);
    publishLeaseEvent(this.#events, "lease.granted", lease.record, call);
  }

  /** Ends a lease, held or waiting, and grants the claims that only it blocked. */
  #end(lease: LiveLease, { state, reason, note }: End, call: WriteCall): void {
    const before = lease.record;
    this.#change(lease, {
      ...before,
      state,
      reason: reason ?? before.reason,
      note: note ?? before.note,
      ended_at: call.now_ms,
    });
    this.#live.delete(lease.order);
    this.#bytes.remove(lease);
    if (before.state === "held" && leasesValues(lease)) this.#values_leased -= 1;
    if (!isLease(lease.record)) {
      this.#bare.remove(lease.holder, lease);
      return;
    }
    publishLeaseEvent(this.#events, state === "lost" ? "lease.lost" : "lease.released", lease.record, call);
    for (const granted of this.#lockTable.remove(lease)) this.#grant(granted, call);
  }

  #lose(lease: LiveLease, loss: Loss, note: string | null, call: WriteCall): void {
    this.#end(lease, { state: "lost", reason: loss, note }, call);
    this.#notifyTask(lease.record, loss, call);
  }

  /**
   * Ends a claim as lost when no client asked for that. No client call writes an audit row in this case, so the
   * registry writes it.
   */
  #loseByItself(lease: LiveLease, loss: Loss, call: WriteCall): void {
    this.#lose(lease, loss, null, call);
    const { record } = lease;
    const [action, resource] = isLease(record)
      ? ["lease.lost", leaseId(record.row)]
      : ["task.reclaim", record.task ?? ""];
    const detail = JSON.stringify({ holder: lease.holder, reason: loss });
    this.#audit.append(call.now_ms, SERVER, action, resource, detail, "success");
    this.#audited.push(resource);
    this.markDirty();
  }

  #notifyTask(claim: LeaseRecord, loss: Loss | null, call: WriteCall): void {
    if (claim.task !== null) this.#tasks?.claimEnded(claim, loss, call);
  }
}

export const claimRegistry: Model<ClaimRegistry> = { open: (opening) => new ClaimRegistry(opening) };

/**
 * Makes a claim that is only evaluated and never stored. It sorts after all waiting claims, because its row is not
 * known yet.
 */
function newClaim(resources: readonly Resource[], holder: string, shared: boolean): Claim {
  return { order: Number.MAX_SAFE_INTEGER, holder, shared, resources };
}

/** Returns whether two lists have the same texts, regardless of order. */
function haveSameTexts(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text) => others.includes(text));
}

function leasesValues({ shared, resources }: LiveLease): boolean {
  return !shared && resources.some(({ scope }) => scope === "state:" || scope === "spec:");
}

/**
 * Sorts waiting leases before held ones. All are about to end; otherwise the end of a held lease could grant a waiting
 * one that ends a moment later.
 */
function waitingFirst(leases: Iterable<LiveLease>): LiveLease[] {
  return [...leases].toSorted((a, b) => a.record.fence - b.record.fence || a.order - b.order);
}
