/**
 * The claims that are alive, as the writer knows them: who holds which lease under which fence, and who waits. What
 * changes is stored, told as an event and as a notice to the front in the transaction that makes it true. When a life
 * has ended is decided on the front, which hears the signs of it (expiry.ts); here it is carried out.
 */
import * as Type from "typebox";
import { type AcquireRequest, type EndClaimsRequest, LeaseRecord, type LeaveReply } from "../../schemas/leases.js";
import type { ReleaseRequest, RenewRequest } from "../../schemas/leases.js";
import { specName } from "../../schemas/specs.js";
import { LEASE_CONFLICTS_MAX, LEASES_MAX, LEASES_OF_HOLDER_MAX } from "../../schemas/limits.js";
import { auditTrail } from "../audit/table.js";
import { must } from "../base/assert.js";
import { NEEDS_INSTANCE } from "../base/needs-instance.js";
import { Failure, invalid } from "../base/result.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { rememberedRequests, type RememberedRequests } from "../requests/remembered.js";
import type { Notice } from "../rpc/method.js";
import type { AuditTrail } from "../threads/batch.js";
import type { ChangeSet } from "../threads/change-set.js";
import type { Model, Opening, Said, WritingModel } from "../threads/model.js";
import type { WriteCall } from "../threads/writer-method.js";
import { leaseId, type LiveLease, liveLease, noLease } from "./lease.js";
import { type Conflict, type CycleStep, Ledger } from "./ledger.js";
import { type Resource, valueResource } from "./resource.js";
import { ClaimCounters, LeaseWriter } from "./table.js";

/** Leases as a commit has left them, in the order of what happened to them. */
export const LEASES = { name: "leases", payload: Type.Array(LeaseRecord) } as const satisfies Notice;

/** Who ends what nobody has ended. */
const SERVER = "koor";
const NOT_YOURS = new Failure("PERMISSION_DENIED", "not yours");
const LEASE_LOST = new Failure("ALREADY_EXISTS", "lease lost");
const STALE_FENCE = new Failure("FAILED_PRECONDITION", "stale fence");
const FENCE_REQUIRED = invalid("fence is required");

/** Why a claim was lost. */
type Loss = "expired" | "max_s" | "broken" | "holder deleted" | "restored";

export class ClaimBook implements WritingModel {
  readonly #table: LeaseWriter;
  readonly #counters: ClaimCounters;
  readonly #events: Publisher;
  readonly #audit: AuditTrail;
  readonly #requests: RememberedRequests;
  readonly #ledger = new Ledger<LiveLease>();
  readonly #live = new Map<number, LiveLease>();
  readonly #by_fence = new Map<number, LiveLease>();
  /** Exclusive leases of Koor's own values: where there are none, a write asks nothing. */
  #values_leased = 0;
  #changed: LeaseRecord[] = [];
  /** What this transaction has written to the audit log by itself. */
  #audited: number[] = [];
  /** They waited when they were stored, and are free all the same. */
  #free: LiveLease[] = [];

  constructor({ db, rows, use }: Pick<Opening, "db" | "rows" | "use">) {
    this.#table = new LeaseWriter(db, rows);
    this.#counters = new ClaimCounters(db);
    rows.add(this.#counters);
    this.#events = use(publisher);
    this.#audit = use(auditTrail);
    this.#requests = use(rememberedRequests);
    this.reload();
  }

  reload(): void {
    this.#ledger.clear();
    this.#live.clear();
    this.#by_fence.clear();
    this.#values_leased = 0;
    this.#changed = [];
    this.#audited = [];
    this.#counters.forget();
    const leases = this.#table.stored.live().map(liveLease);
    for (const lease of leases) {
      this.#live.set(lease.order, lease);
      if (lease.record.state === "held") this.#takeHeld(lease);
    }
    this.#free = leases
      .filter(({ record }) => record.state === "waiting")
      .filter((lease) => !this.#ledger.enqueue(lease));
  }

  tellChanges(changes: ChangeSet): void {
    for (const { row } of this.#changed) changes.add("lease", leaseId(row), null);
    for (const row of this.#audited.splice(0)) changes.add("audit", leaseId(row), null);
  }

  takeNotice(): Said | null {
    if (this.#changed.length === 0) return null;
    const payload = this.#changed;
    this.#changed = [];
    return { notice: LEASES, payload };
  }

  /** A lease for who calls: held, or waiting in line where it may; else why not. */
  acquire(request: AcquireRequest, call: WriteCall): { row: number; made: boolean } | Failure {
    const { actor, now_ms } = call;
    this.#grantFree(call);
    const name = actor === "" ? undefined : this.#table.nameOf(actor);
    if (name === undefined) return NEEDS_INSTANCE;
    const known = this.#requests.find("lease", actor, request.request_id, now_ms);
    if (known !== undefined) return { row: Number(known), made: false };
    const full = this.#fullFor(actor, name);
    if (full !== null) return full;
    const { waits, request_id, ...asked } = request;
    const record = {
      ...asked,
      state: "waiting" as const,
      fence: 0,
      holder: actor,
      holder_name: name,
      note: null,
      task: null,
      offered: false,
      requested_at: now_ms,
      granted_at: null,
      ended_at: null,
    };
    // Behind all that wait, whichever row it will have.
    const candidate = liveLease({ ...record, row: Number.MAX_SAFE_INTEGER });
    const verdict = waits ? this.#ledger.judge(candidate, LEASE_CONFLICTS_MAX) : this.#judgeNow(candidate);
    if (verdict.kind === "deadlock") return deadlock(verdict.cycle, candidate);
    if (verdict.kind === "taken" && !waits) return taken(verdict.held, verdict.conflicts);
    const lease = this.#store(
      candidate.resources,
      verdict.kind === "free"
        ? { ...record, state: "held", fence: this.#counters.nextFence(), granted_at: now_ms }
        : record,
    );
    if (verdict.kind === "free") this.#takeHeld(lease);
    else this.#ledger.enqueue(lease);
    this.#tell(verdict.kind === "free" ? "lease.granted" : "lease.waiting", lease.record, call);
    this.#requests.remember("lease", actor, request_id, String(lease.order), now_ms);
    return { row: lease.order, made: true };
  }

  /** Ends a lease for who holds it, or takes its request out of the line. */
  release({ row, fence }: ReleaseRequest, call: WriteCall): { changed: boolean } | Failure {
    this.#grantFree(call);
    if (call.actor === "") return NEEDS_INSTANCE;
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined) return noLease(leaseId(row));
    if (record.holder !== call.actor) return NOT_YOURS;
    if (lease === undefined)
      return record.state === "released" && (fence === null || fence === record.fence)
        ? { changed: false }
        : LEASE_LOST;
    if (record.state === "held" && fence === null) return FENCE_REQUIRED;
    if (record.state === "held" && fence !== record.fence) return LEASE_LOST;
    this.#end(lease, { state: "released" }, call);
    return { changed: true };
  }

  /** A sign of life that may change how long it lasts without another. */
  renew({ row, fence, ttl_s }: RenewRequest, call: WriteCall): { changed: boolean } | Failure {
    if (call.actor === "") return NEEDS_INSTANCE;
    const lease = this.#live.get(row);
    const record = lease?.record ?? this.#table.stored.get(row);
    if (record === undefined) return noLease(leaseId(row));
    if (record.holder !== call.actor) return NOT_YOURS;
    if (record.task !== null) return new Failure("ALREADY_EXISTS", `held by task ${record.task}`);
    if (lease === undefined || record.state !== "held" || record.fence !== fence) return LEASE_LOST;
    if (ttl_s === null || ttl_s === record.ttl_s) return { changed: false };
    this.#change(lease, { ttl_s });
    return { changed: true };
  }

  /** Takes a lease from who holds it, or its request out of the line. */
  breakLease(row: number, note: string, call: WriteCall): { changed: boolean } | Failure {
    this.#grantFree(call);
    const lease = this.#live.get(row);
    if (lease !== undefined) {
      this.#lose(lease, "broken", note, call);
      return { changed: true };
    }
    const record = this.#table.stored.get(row);
    return record === undefined ? noLease(leaseId(row)) : new Failure("ALREADY_EXISTS", `lease is ${record.state}`);
  }

  /** Takes a request out of the line, where it still waits; what is in its way. */
  leave(row: number, call: WriteCall): LeaveReply | Failure {
    this.#grantFree(call);
    const lease = this.#live.get(row);
    if (lease === undefined) return noLease(leaseId(row));
    if (lease.holder !== call.actor) return NOT_YOURS;
    if (lease.record.state === "held") return { held: true, conflicts: [] };
    const { conflicts } = this.#ledger.conflictsOf(lease, LEASE_CONFLICTS_MAX);
    this.#end(lease, { state: "released" }, call);
    // The same call again is a new one: this one has got nothing.
    this.#requests.forget("lease", call.actor, String(row));
    return { held: false, conflicts: conflicts.map(conflictMembers) };
  }

  /** Ends claims whose life is over, as the front has found. */
  endLives({ ends }: EndClaimsRequest, call: WriteCall): void {
    this.#grantFree(call);
    for (const { row, fence, reason } of ends) {
      const lease = this.#live.get(row);
      // One that was granted meanwhile has a fence now.
      if (lease?.record.fence === fence) this.#loseByItself(lease, reason, call);
    }
  }

  /** Ends what an instance holds and waits for: it is deleted. */
  endHolder(holder: string, call: WriteCall): void {
    for (const lease of waitingFirst(this.#ledger.claimsOf(holder))) this.#loseByItself(lease, "holder deleted", call);
  }

  /** Ends all there is: it came out of a snapshot. */
  endRestored(call: WriteCall): void {
    for (const lease of waitingFirst(this.#live.values())) this.#loseByItself(lease, "restored", call);
  }

  prune(after: number, ended_before_ms: number, rows: number): { removed: number; after: number | null } {
    return this.#table.prune(after, ended_before_ms, rows);
  }

  /**
   * Why a write of one of Koor's own values is refused: a fence that is not of a live claim of who writes, or somebody
   * else's lease. Null where nothing forbids it.
   * @param fence null where none was sent
   */
  refuseWrite(kind: "state" | "spec", key: string, fence: number | null, actor: string): Failure | null {
    if (fence !== null && (actor === "" || this.#by_fence.get(fence)?.holder !== actor)) return STALE_FENCE;
    if (this.#values_leased === 0) return null;
    const name = kind === "spec" ? specName(key) : key;
    for (const { claim } of this.#ledger.heldByOthers([valueResource(kind, name)], actor, true))
      return new Failure("LOCKED", `leased by ${claim.record.holder_name}`, { lease: claim.order });
    return null;
  }

  #judgeNow(
    candidate: LiveLease,
  ): { kind: "free" } | { kind: "taken"; held: boolean; conflicts: Conflict<LiveLease>[] } {
    const { held, conflicts } = this.#ledger.conflictsOf(candidate, LEASE_CONFLICTS_MAX);
    return conflicts.length === 0 ? { kind: "free" } : { kind: "taken", held, conflicts: [...conflicts] };
  }

  #fullFor(holder: string, name: string): Failure | null {
    if (this.#live.size >= LEASES_MAX) return new Failure("STOCK_FULL", `${LEASES_MAX} leases are held or waiting`);
    return this.#ledger.countOf(holder) >= LEASES_OF_HOLDER_MAX
      ? new Failure("STOCK_FULL", `${LEASES_OF_HOLDER_MAX} leases of ${name} are held or waiting`)
      : null;
  }

  #store(resources: readonly Resource[], stored: Omit<LeaseRecord, "row">): LiveLease {
    const record = { ...stored, row: this.#counters.nextLease() };
    const { row, holder, shared } = record;
    const lease = { order: row, holder, shared, resources, record };
    this.#table.put(lease.record);
    this.#live.set(lease.order, lease);
    this.#changed.push(lease.record);
    return lease;
  }

  #change(lease: LiveLease, change: Partial<LeaseRecord>): void {
    lease.record = { ...lease.record, ...change };
    this.#table.put(lease.record);
    this.#changed.push(lease.record);
  }

  /** What is held, in the ledger and by its fence. */
  #takeHeld(lease: LiveLease): void {
    this.#ledger.hold(lease);
    this.#noteHeld(lease);
  }

  #noteHeld(lease: LiveLease): void {
    this.#by_fence.set(lease.record.fence, lease);
    if (leasesValues(lease)) this.#values_leased += 1;
  }

  /** Grants to one who waited what the ledger holds for it already. */
  #grant(lease: LiveLease, call: WriteCall): void {
    this.#change(lease, { state: "held", fence: this.#counters.nextFence(), offered: true, granted_at: call.now_ms });
    this.#noteHeld(lease);
    this.#tell("lease.granted", lease.record, call);
  }

  #grantFree(call: WriteCall): void {
    for (const lease of this.#free.splice(0)) if (this.#live.get(lease.order) === lease) this.#grant(lease, call);
  }

  /** Ends a lease, held or waiting, and grants what it was in the way of. */
  #end(lease: LiveLease, end: Pick<LeaseRecord, "state"> & Partial<LeaseRecord>, call: WriteCall): void {
    const held = lease.record.state === "held";
    this.#change(lease, { ...end, ended_at: call.now_ms });
    this.#live.delete(lease.order);
    if (held) {
      this.#by_fence.delete(lease.record.fence);
      if (leasesValues(lease)) this.#values_leased -= 1;
    }
    this.#tell(end.state === "lost" ? "lease.lost" : "lease.released", lease.record, call);
    for (const granted of this.#ledger.remove(lease)) this.#grant(granted, call);
  }

  #lose(lease: LiveLease, reason: Loss, note: string | null, call: WriteCall): void {
    this.#end(lease, { state: "lost", reason, note }, call);
  }

  /** A loss that nobody has asked for: the server says so in the audit log. */
  #loseByItself(lease: LiveLease, reason: Loss, call: WriteCall): void {
    this.#lose(lease, reason, null, call);
    const detail = JSON.stringify({ holder: lease.holder, reason });
    this.#audit.append(call.now_ms, SERVER, "lease.lost", leaseId(lease.order), detail, "success");
    this.#audited.push(lease.order);
  }

  #tell(topic: string, record: LeaseRecord, call: WriteCall): void {
    const { row, holder, holder_name, workspace, resources, shared, fence, task, reason } = record;
    const data = {
      lease_id: leaseId(row),
      holder: { id: holder, name: holder_name },
      workspace,
      resources,
      mode: shared ? "shared" : "exclusive",
      fence: fence === 0 ? null : fence,
      task,
      reason,
    };
    this.#events.publish({ topic, data: JSON.stringify(data), source: SERVER }, call);
  }
}

export const claimBook: Model<ClaimBook> = { open: (opening) => new ClaimBook(opening) };

function leasesValues({ shared, resources }: LiveLease): boolean {
  return !shared && resources.some(({ scope }) => scope === "state:" || scope === "spec:");
}

/** So that nothing is granted to them that would end at once. */
function waitingFirst(leases: Iterable<LiveLease>): LiveLease[] {
  return [...leases].toSorted((a, b) => a.record.fence - b.record.fence || a.order - b.order);
}

/** Leases in members of a refusal are rows: what is told of a lease to clients, the front knows. */
function conflictMembers({ resource, wanted, claim }: Conflict<LiveLease>): {
  resource: string;
  wanted: string;
  lease: number;
} {
  return { resource: resource.text, wanted: wanted.text, lease: claim.order };
}

function taken(held: boolean, conflicts: readonly Conflict<LiveLease>[]): Failure {
  const { resource, claim } = must(conflicts[0], "what is taken is taken by somebody");
  const message = `${held ? "leased" : "awaited"} by ${claim.record.holder_name}: ${resource.text}`;
  return new Failure("ALREADY_EXISTS", message, { conflicts: conflicts.map(conflictMembers) });
}

function deadlock(cycle: readonly CycleStep<LiveLease>[], asked: LiveLease): Failure {
  const steps = cycle.map(({ holder, claim }) => ({
    holder: { id: holder, name: (claim ?? asked).record.holder_name },
    lease: claim === null ? null : claim.order,
  }));
  return new Failure("ALREADY_EXISTS", "this would deadlock", { cycle: steps });
}
