/**
 * Executes the writer's calls about claims. Each method decides what its call changes, and refuses the call before the
 * first change. claim-changes.ts makes the changes. Runs in the writer thread.
 *
 * src/features/leases/ is the API of leases over this registry. The front decides when a claim expires, because only
 * the front sees the holders' heartbeats (expiry.ts). The registry then ends the claim.
 *
 * The claim of a task is held by the instance that works on the task. If the task has resources, its claim is also a
 * lease. Otherwise clients see the claim only as part of the task. When the claim of a task ends, the tasks module
 * decides what happens to the task (`TaskClaims`).
 */
import type {
  AcquireRequest,
  EndClaimsRequest,
  LeaseRecord,
  LeaveReply,
  LeaveRequest,
  ReleaseRequest,
  RenewRequest,
} from "../../../schemas/leases.js";
import { ALTERNATIVES_STEPS_MAX } from "../../../schemas/limits/claims.js";
import { LEASE_CONFLICTS_MAX } from "../../../schemas/limits/leases.js";
import { specName } from "../../../schemas/specs.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import { idempotencyRecords, type IdempotencyRecords } from "../idempotency/records.js";
import type { CachingModel, Model, Opening } from "../../platform/threads/model.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { refuseTooFewNames, storedGroups } from "./alternatives.js";
import { claimChanges, type ClaimChanges, type Wanted } from "./claim-changes.js";
import type { Contender } from "./contention.js";
import {
  contenderOf,
  isLease,
  leaseId,
  type LiveLease,
  type Loss,
  noLease,
  resourcesOf,
  TOO_MANY_STEPS,
  TOO_MANY_WAIT,
} from "./lease.js";
import { maxEndOf } from "./life.js";
import type { LiveClaims } from "./live-claims.js";
import type { Claim, LockTable } from "./lock-table.js";
import {
  conflictMembers,
  deadlock,
  FENCE_REQUIRED,
  LEASE_LOST,
  NAMES_NOTHING,
  NEEDS_CHECKOUT,
  NOT_YOURS,
  STALE_FENCE,
  taken,
} from "./refusals.js";
import { type Resource, valueResource } from "./resource.js";
import type { LeaseWriter, StoredHolder } from "./table.js";

/** The part of the tasks module that the claim registry calls. */
export interface TaskClaims {
  /**
   * Called when the claim of a task has ended. It is not called if a call about the task, such as its completion, has
   * ended the claim.
   * @param loss the reason for which the claim was lost; null if the holder released it
   */
  claimEnded(claim: LeaseRecord, loss: Loss | null, call: WriteCall): void;
  /**
   * Called after an instance was deleted and its claims have ended. The tasks that were reserved for the instance must
   * then change.
   */
  holderGone(holder: string, call: WriteCall): void;
}

export class ClaimRegistry implements CachingModel {
  readonly #changes: ClaimChanges;
  readonly #table: LeaseWriter;
  readonly #live: LiveClaims;
  readonly #lockTable: LockTable<LiveLease>;
  readonly #requests: IdempotencyRecords;
  /** Caches the names of the instances that have asked for a claim. An instance keeps its name until it is deleted. */
  readonly #names = new Map<string, string>();
  #tasks: TaskClaims | null = null;

  constructor({ use }: Pick<Opening, "use">) {
    this.#changes = use(claimChanges);
    this.#table = this.#changes.table;
    this.#live = this.#changes.live;
    this.#lockTable = this.#live.lockTable;
    this.#requests = use(idempotencyRecords);
  }

  /** Registers the tasks module, whose methods are called when the claim of a task ends. */
  serve(tasks: TaskClaims): void {
    this.#tasks = tasks;
  }

  reload(): void {
    this.#names.clear();
  }

  /**
   * Grants a lease to the caller. If a resource is taken and the caller is willing to wait, the request waits in the
   * queue. Otherwise the call is refused.
   */
  acquire(request: AcquireRequest, call: WriteCall): { row: number; made: boolean } | Failure {
    const { actor, nowMs } = call;
    this.settle(call);
    const holder = this.holderOf(actor);
    if (holder === undefined) return NEEDS_INSTANCE;
    const known = this.#requests.find("lease", actor, request.request_id, nowMs, request.request_hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { row: Number(known), made: false };
    const { scope = "repo", shared, max_holders = null, any = [] } = request;
    if (request.resources.length === 0 && any.length === 0) return NAMES_NOTHING;
    const { parent, checkout } = holder;
    const asked = contenderOf({ holder: actor, parent, shared, scope, checkout, max_holders });
    if (scope === "checkout" && asked.limitedTo === null) return NEEDS_CHECKOUT;
    const own = request.reuse === true ? this.#ownAgain(request, asked) : undefined;
    if (own !== undefined) {
      this.#requests.store("lease", actor, request.request_id, String(own.order), nowMs, request.request_hash);
      return { row: own.order, made: false };
    }
    const { waits, queued, request_id, workspace, reason, ttl_s, max_s, automatic = false } = request;
    const resources = resourcesOf(request.resources, workspace);
    const alternatives = storedGroups(any, workspace, resources);
    // The front refuses this, too. A claim that can never be granted would block differently after a restart.
    const impossible = alternatives.length === 0 ? null : refuseTooFewNames(alternatives);
    if (impossible !== null) return impossible;
    const claim = newClaim(resources, asked, alternatives);
    const full = this.#live.refuseMore(actor, holder.name, claim);
    if (full !== null) return full;
    if (this.#lockTable.costsTooMuch(resources)) return TOO_MANY_STEPS;
    if (alternatives.length > 0 && this.#lockTable.costsTooMuch(alternatives.flat(), ALTERNATIVES_STEPS_MAX))
      return TOO_MANY_WAIT;
    const decision = this.#lockTable.evaluate(claim, waits, LEASE_CONFLICTS_MAX);
    if (decision.kind === "deadlock") return deadlock(decision.cycle, (id) => this.nameOf(id) ?? "");
    if (decision.kind === "taken" && !waits) return taken(decision.held, decision.conflicts);
    const wanted: Wanted = {
      holder,
      workspace,
      resources,
      any: any.length === 0 ? null : any,
      alternatives,
      maxHolders: max_holders,
      shared,
      scope,
      reason,
      task: null,
      ttl_s,
      max_s,
      queued,
      automatic,
    };
    const lease =
      decision.kind === "free"
        ? this.#changes.hold(withChosen(wanted, decision.chosen), decision.overtakes, call)
        : this.#changes.enqueue(wanted, call);
    this.#requests.store("lease", actor, request_id, String(lease.order), nowMs, request.request_hash);
    return { row: lease.order, made: true };
  }

  /**
   * Finds the lease that the holder already has for the same resources. So a repeated request gets the same lease. If
   * the request asks for a longer time to live, the lease is prolonged.
   */
  #ownAgain(
    { resources, workspace, ttl_s, automatic = false, any = [], max_holders }: AcquireRequest,
    { holder, shared, limitedTo }: Contender,
  ): LiveLease | undefined {
    let first: LiveLease | undefined;
    for (const lease of this.#lockTable.claimsOf(holder)) {
      const { record } = lease;
      // If there are several such leases, take the earliest, so that all nodes take the same one. Nodes may have read
      // the leases in different orders.
      if (first !== undefined && first.order < lease.order) continue;
      if (record.state !== "held" || record.task !== null) continue;
      // An automatic lease may end earlier than the holder wants. So if the holder itself requests a lease, it gets a
      // new one.
      if (record.automatic && !automatic) continue;
      if (record.shared !== shared || record.workspace !== workspace || lease.limitedTo !== limitedTo) continue;
      if (record.max_holders !== (max_holders ?? null) || !areSameTexts(record.any ?? [], any)) continue;
      // The names that were chosen from alternatives come last in the list.
      const fixed = record.resources.slice(0, record.resources.length - any.length);
      if (haveSameTexts(fixed, resources)) first = lease;
    }
    if (first !== undefined && first.record.ttl_s < ttl_s) this.#changes.setTtl(first, ttl_s);
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
      // A request that left the queue was never granted. Its fence is 0, so there is nothing to compare.
      return record.state === "released" && (fence === null || fence === record.fence || record.fence === 0)
        ? { changed: false }
        : LEASE_LOST;
    if (record.state === "held" && fence === null) return FENCE_REQUIRED;
    if (record.state === "held" && fence !== record.fence) return LEASE_LOST;
    this.#changes.end(lease, { state: "released" }, call);
    this.#notifyTask(lease.record, null, call);
    return { changed: true };
  }

  /**
   * Renews a lease. The call counts as a heartbeat of the holder. It may change the time to live, and restart the
   * maximum life.
   */
  renew({ row, fence, ttl_s, touch = false }: RenewRequest, call: WriteCall): { changed: boolean } | Failure {
    if (call.actor === "") return NEEDS_INSTANCE;
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined || !isLease(record)) return noLease(leaseId(row));
    if (record.holder !== call.actor) return NOT_YOURS;
    if (lease !== undefined && record.task !== null)
      return new Failure("ALREADY_EXISTS", `held by task ${record.task}`);
    if (lease === undefined || record.state !== "held" || record.fence !== fence) return LEASE_LOST;
    const changesTtl = ttl_s !== null && ttl_s !== record.ttl_s;
    if (changesTtl) this.#changes.setTtl(lease, ttl_s);
    if (touch) this.#changes.touch(lease, call);
    return { changed: changesTtl || touch };
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
   * Grants the loaded claims that are stored as waiting although nothing blocks them now. Must be called before every
   * decision about claims.
   */
  settle(call: WriteCall): void {
    this.#changes.settle(call);
  }

  /** Returns the members of an instance that its claims record, or undefined if the instance is deleted. */
  holderOf(id: string): StoredHolder | undefined {
    return id === "" ? undefined : this.#table.holderOf(id);
  }

  /** Returns the name of an instance, or undefined if the instance is deleted. */
  nameOf(holder: string): string | undefined {
    if (holder === "") return undefined;
    const name = this.#names.get(holder) ?? this.#table.nameOf(holder);
    if (name !== undefined) this.#names.set(holder, name);
    return name;
  }

  /**
   * Returns a function that checks whether resources are free for a claim. The function also returns the maximum
   * number of comparison steps that the check takes.
   *
   * Resources that need more than GLOB_STEPS_MAX steps count as not free. The claims must not change between two calls
   * of the function.
   */
  lookFor(asked: Contender): (resources: readonly Resource[]) => { readonly free: boolean; readonly steps: number } {
    return this.#lockTable.lookFor(asked);
  }

  /**
   * Gives a task to the caller. The new claim of the task also leases the task's resources. Returns the refusal if the
   * task cannot be claimed. Call `settle` first.
   */
  claimTask(wanted: Wanted, call: WriteCall): LeaseRecord | Failure {
    const { resources, holder } = wanted;
    const { actor } = call;
    let overtakes = false;
    if (resources.length > 0) {
      const { shared, scope } = wanted;
      const { parent, checkout } = holder;
      const asked = newClaim(resources, contenderOf({ holder: actor, parent, shared, scope, checkout }), []);
      const full = this.#live.refuseMore(actor, holder.name, asked);
      if (full !== null) return full;
      if (this.#lockTable.costsTooMuch(resources)) return TOO_MANY_STEPS;
      const decision = this.#lockTable.evaluate(asked, false, LEASE_CONFLICTS_MAX);
      if (decision.kind === "taken") return taken(decision.held, decision.conflicts);
      overtakes = decision.kind === "free" && decision.overtakes;
    }
    return this.#changes.hold(wanted, overtakes, call).record;
  }

  /** Returns the live claim with this row. */
  claimAt(row: number): LeaseRecord | undefined {
    return this.#live.get(row)?.record;
  }

  /** Ends the claim of a task, for a call about the task such as its completion. */
  endOfTask(row: number, call: WriteCall): void {
    this.settle(call);
    const lease = this.#live.get(row);
    if (lease !== undefined) this.#changes.end(lease, { state: "released" }, call);
  }

  /**
   * Removes a waiting request from the queue, unless `stays` is set. Returns the conflicts that kept the request
   * waiting.
   */
  leave({ row, stays }: LeaveRequest, call: WriteCall): LeaveReply | Failure {
    this.settle(call);
    const lease = this.#live.get(row);
    if (lease === undefined) return noLease(leaseId(row));
    if (lease.holder !== call.actor) return NOT_YOURS;
    if (lease.record.state === "held") return { held: true, conflicts: [] };
    const conflicts = this.#lockTable.conflictsOf(lease, LEASE_CONFLICTS_MAX).conflicts.map(conflictMembers);
    if (stays) return { held: false, conflicts };
    this.#changes.end(lease, { state: "released" }, call);
    // Forget the idempotency record. The request got no lease, so a repetition of the call is a new request.
    this.#requests.delete("lease", call.actor, String(row));
    return { held: false, conflicts };
  }

  /** Ends the claims that the front reports as expired. */
  expireClaims({ ends }: EndClaimsRequest, call: WriteCall): void {
    this.settle(call);
    for (const { row, fence, reason, heard_at } of ends) {
      const lease = this.#live.get(row);
      // Keep a claim with a different fence, because it was granted after the front reported its end.
      if (lease?.record.fence !== fence) continue;
      const { holder, touched_at } = lease.record;
      // Keep the claim if its maximum life was restarted after the front's report.
      if (reason === "max_s" && touched_at !== null && maxEndOf(lease.record) > call.nowMs) continue;
      // Keep the claim if another server received a heartbeat of the holder after the front's report.
      if (heard_at !== null && reason === "expired" && this.#table.lastSeenOf(holder) > heard_at) continue;
      this.#loseByItself(lease, reason, call);
    }
  }

  /**
   * Ends some claims of an instance that is being deleted, waiting ones first.
   * @param max the maximum number of claims to end
   * @returns the number of claims that have ended. If it is less than `max`, none is left.
   */
  endSomeOf(holder: string, max: number, call: WriteCall): number {
    const ends = waitingFirst(this.#live.claimsOf(holder)).slice(0, max);
    for (const lease of ends) this.#loseByItself(lease, "holder deleted", call);
    return ends.length;
  }

  /** Called after an instance was deleted and its claims have ended. */
  holderGone(holder: string, call: WriteCall): void {
    this.#names.delete(holder);
    this.#tasks?.holderGone(holder, call);
  }

  /**
   * Releases some claims of an instance whose session has ended, as if the instance had released them. Its waiting
   * claims leave the queue first. The session may begin again later.
   * @param max the maximum number of claims to release
   * @returns the number of released claims. If it is less than `max`, none is left.
   */
  releaseSomeOf(holder: string, max: number, call: WriteCall): number {
    this.settle(call);
    const leases = waitingFirst(this.#live.claimsOf(holder)).slice(0, max);
    for (const lease of leases) {
      this.#changes.end(lease, { state: "released" }, call);
      this.#notifyTask(lease.record, null, call);
      this.#changes.auditRelease(lease, call);
    }
    return leases.length;
  }

  /** Ends all claims after a restore, because claims from a snapshot are no longer valid. */
  endRestored(call: WriteCall): void {
    for (const lease of waitingFirst(this.#live.all())) this.#loseByItself(lease, "restored", call);
  }

  prune(after: number, endedBeforeMs: number, rows: number): { removed: number; after: number | null } {
    return this.#table.prune(after, endedBeforeMs, rows);
  }

  /**
   * Decides whether a caller may write a value of state or a spec. Returns the refusal, or null if the write is
   * allowed. A write is refused if its fence belongs to no live claim of the caller, or if another holder has leased
   * the value.
   * @param fence the fence that the caller sent; null if the caller sent none
   */
  refuseWrite(kind: "state" | "spec", key: string, fence: number | null, actor: string): Failure | null {
    if (fence !== null && !this.#holds(actor, fence)) return STALE_FENCE;
    if (this.#live.valuesLeased === 0) return null;
    const name = kind === "spec" ? specName(key) : key;
    const asked = { holder: actor, parent: null, shared: true, limitedTo: null };
    const held = [...this.#lockTable.heldByOthers([valueResource(kind, name)], asked)];
    if (held.length === 0) return null;
    const parent = this.holderOf(actor)?.parent ?? null;
    let first: LiveLease | undefined;
    // If other holders have several leases of the value, name the earliest, because the reply must be the same on every
    // node.
    for (const { claim } of held)
      if (claim.holder !== parent && (first === undefined || claim.order < first.order)) first = claim;
    if (first === undefined) return null;
    return new Failure("LOCKED", `leased by ${first.record.holder_name}`, { lease: first.order });
  }

  #holds(holder: string, fence: number): boolean {
    return this.#live.claimsOf(holder).some(({ record }) => record.state === "held" && record.fence === fence);
  }

  #lose(lease: LiveLease, loss: Loss, note: string | null, call: WriteCall): void {
    this.#changes.end(lease, { state: "lost", reason: loss, note }, call);
    this.#notifyTask(lease.record, loss, call);
  }

  /** Ends a claim as lost, although no client asked for that. */
  #loseByItself(lease: LiveLease, loss: Loss, call: WriteCall): void {
    this.#lose(lease, loss, null, call);
    this.#changes.auditLoss(lease, loss, call);
  }

  #notifyTask(claim: LeaseRecord, loss: Loss | null, call: WriteCall): void {
    if (claim.task !== null) this.#tasks?.claimEnded(claim, loss, call);
  }
}

export const claimRegistry: Model<ClaimRegistry> = { open: (opening) => new ClaimRegistry(opening) };

/**
 * Creates a hypothetical claim, which is evaluated but never stored. It sorts after all waiting claims, as a new claim
 * does.
 */
function newClaim(resources: readonly Resource[], asked: Contender, alternatives: Claim["alternatives"]): Claim {
  const { holder, parent, shared, limitedTo, maxHolders = null } = asked;
  const order = Number.MAX_SAFE_INTEGER;
  return { order, holder, parent, shared, maxHolders, limitedTo, resources, alternatives, chosen: [] };
}

/** Adds the chosen names to a claim that is granted at once. */
function withChosen(wanted: Wanted, chosen: readonly Resource[]): Wanted {
  return chosen.length === 0 ? wanted : { ...wanted, resources: [...wanted.resources, ...chosen], alternatives: [] };
}

/** Returns whether two lists have the same texts in the same order. */
function areSameTexts(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, at) => text === others[at]);
}

/** Returns whether two lists have the same texts, in any order. */
function haveSameTexts(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text) => others.includes(text));
}

/**
 * Sorts waiting leases before held ones. The caller ends the leases in this order. In the other order, the end of a
 * held lease could grant a waiting lease that is about to end too.
 */
function waitingFirst(leases: Iterable<LiveLease>): LiveLease[] {
  return [...leases].toSorted((a, b) => a.record.fence - b.record.fence || a.order - b.order);
}
