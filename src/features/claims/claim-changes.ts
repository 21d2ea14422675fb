/**
 * Changes claims. Each change is made in memory, stored in the transaction of the call, published as an event, and
 * pushed to the front. Runs in the writer thread.
 *
 * The registry (claim-registry.ts) decides which changes a call makes. When a claim ends, this module also grants the
 * claims that waited only for it.
 */
import * as Type from "typebox";
import { LeaseRecord } from "../../../schemas/leases.js";
import { auditTrail } from "../audit/table.js";
import { publisher, type Publisher } from "../events/publisher.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import { type Model, type Opening, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { AuditTrail } from "../../platform/threads/transaction.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { isLease, leaseId, type LiveLease, liveLease, liveLeaseOf, type Loss } from "./lease.js";
import { SERVER, publishLeaseEvent } from "./lease-events.js";
import { LiveClaims } from "./live-claims.js";
import type { Resource } from "./resource.js";
import { ClaimCounters, LeaseWriter, type StoredHolder } from "./table.js";

/** The push message that carries the leases changed by a commit, in the order of their changes. */
export const LEASES = { name: "leases", payload: Type.Array(LeaseRecord) } as const satisfies PushMessage;

/** The claim that a caller asks for. */
export interface Wanted {
  readonly holder: StoredHolder;
  readonly workspace: string;
  readonly resources: readonly Resource[];
  /** The groups of alternatives as the caller wrote them; null if there are none. */
  readonly any?: readonly string[] | null;
  /** The parsed groups of `any`. The claim needs one name of each group. */
  readonly alternatives?: LiveLease["alternatives"];
  readonly maxHolders?: number | null;
  readonly shared: boolean;
  readonly scope: LeaseRecord["scope"];
  readonly reason: string;
  readonly task: string | null;
  readonly ttl_s: number;
  readonly max_s: number;
  readonly queued: boolean;
  /** True if the server itself makes the claim, for an agent that edits the files. */
  readonly automatic?: boolean;
}

/** The new values of the members that change when a claim ends. An absent member keeps its value. */
type End = Pick<LeaseRecord, "state"> & Partial<Pick<LeaseRecord, "reason" | "note">>;

export class ClaimChanges extends PublishingModel {
  readonly table: LeaseWriter;
  readonly live = new LiveClaims();
  readonly #counters: ClaimCounters;
  readonly #events: Publisher;
  readonly #audit: AuditTrail;
  #changed: LeaseRecord[] = [];
  /** The resources of the audit rows that this module has written in this transaction. */
  #audited: string[] = [];
  /** Loaded claims that are stored as waiting although nothing blocks them now. `settle` grants them. */
  #free: LiveLease[] = [];

  constructor({ db, rows, use }: Pick<Opening, "db" | "rows" | "use">) {
    super();
    this.table = new LeaseWriter(db, rows);
    this.#counters = new ClaimCounters(db, rows);
    this.#events = use(publisher);
    this.#audit = use(auditTrail);
    this.reload();
  }

  reload(): void {
    this.live.clear();
    this.#changed = [];
    this.#audited = [];
    this.#counters.forget();
    const leases = this.table.stored.live().map(liveLease);
    for (const lease of leases) {
      this.live.add(lease);
      if (lease.record.state === "held") this.live.takeHeld(lease);
    }
    this.#free = leases
      .filter(({ record }) => record.state === "waiting")
      .filter((lease) => !this.live.lockTable.enqueue(lease));
  }

  afterCommit({ changes, push }: Publication): void {
    for (const record of this.#changed) if (isLease(record)) changes?.add("lease", leaseId(record.row), null);
    for (const resource of this.#audited.splice(0)) changes?.add("audit", resource, null);
    if (this.#changed.length === 0) return;
    push(LEASES, this.#changed);
    this.#changed = [];
  }

  /**
   * Grants the loaded claims that are stored as waiting although nothing blocks them now. Must be called before every
   * decision about claims.
   */
  settle(call: WriteCall): void {
    for (const lease of this.#free.splice(0)) if (this.live.get(lease.order) === lease) this.#grant(lease, call);
  }

  /**
   * Creates a claim that is held.
   * @param overtakes whether the claim overtakes a waiting claim (`LockDecision`)
   */
  hold(wanted: Wanted, overtakes: boolean, call: WriteCall): LiveLease {
    const lease = this.#add(wanted, this.#counters.nextFence(), call);
    if (isLease(lease.record)) publishLeaseEvent(this.#events, "lease.granted", lease.record, call);
    for (const granted of this.live.takeHeld(lease, overtakes)) this.#grant(granted, call);
    return lease;
  }

  /** Creates a claim that waits. */
  enqueue(wanted: Wanted, call: WriteCall): LiveLease {
    const lease = this.#add(wanted, 0, call);
    publishLeaseEvent(this.#events, "lease.waiting", lease.record, call);
    this.live.lockTable.enqueue(lease);
    for (const granted of this.live.lockTable.grantBehind(lease)) this.#grant(granted, call);
    return lease;
  }

  setTtl(lease: LiveLease, ttlS: number): void {
    this.#change(lease, { ...lease.record, ttl_s: ttlS });
  }

  /** Restarts the maximum life of a lease. */
  touch(lease: LiveLease, { nowMs }: WriteCall): void {
    this.#change(lease, { ...lease.record, touched_at: nowMs });
  }

  /** Ends a lease, held or waiting, and grants the claims that waited only for it. */
  end(lease: LiveLease, { state, reason, note }: End, call: WriteCall): void {
    const before = lease.record;
    this.#change(lease, {
      ...before,
      state,
      reason: reason ?? before.reason,
      note: note ?? before.note,
      ended_at: call.nowMs,
    });
    const freed = this.live.remove(lease, before.state === "held");
    if (!isLease(lease.record)) return;
    publishLeaseEvent(this.#events, state === "lost" ? "lease.lost" : "lease.released", lease.record, call);
    for (const granted of freed) this.#grant(granted, call);
  }

  /**
   * Writes the audit row of a claim that ended by itself, for example because it expired. If a client's call ends a
   * claim, the audit row of that call is enough.
   */
  auditLoss({ record, holder }: LiveLease, loss: Loss, call: WriteCall): void {
    const [action, resource] = isLease(record)
      ? ["lease.lost", leaseId(record.row)]
      : ["task.reclaim", record.task ?? ""];
    this.#appendAudit(SERVER, action, resource, { holder, reason: loss }, call);
  }

  /** Writes the audit row of a claim that was released at the end of its holder's session. */
  auditRelease({ record, holder }: LiveLease, call: WriteCall): void {
    const [action, resource] = isLease(record)
      ? ["lease.release", leaseId(record.row)]
      : ["task.release", record.task ?? ""];
    this.#appendAudit(holder, action, resource, { reason: "session ended" }, call);
  }

  #appendAudit(actor: string, action: string, resource: string, detail: object, { nowMs }: WriteCall): void {
    this.#audit.append(nowMs, actor, action, resource, JSON.stringify(detail), "success");
    this.#audited.push(resource);
    this.markDirty();
  }

  /**
   * Adds a claim, held or waiting.
   * @param fence the fence of a held claim; 0 if the claim waits
   */
  #add(wanted: Wanted, fence: number, { actor, nowMs }: WriteCall): LiveLease {
    const {
      holder,
      workspace,
      shared,
      scope,
      reason,
      task,
      ttl_s,
      max_s,
      resources,
      queued,
      automatic = false,
      any = null,
      alternatives = [],
      maxHolders = null,
    } = wanted;
    const row = this.#counters.nextLease();
    const record: LeaseRecord = {
      row,
      state: fence === 0 ? "waiting" : "held",
      fence,
      holder: actor,
      holder_name: holder.name,
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
      requested_at: nowMs,
      granted_at: fence === 0 ? null : nowMs,
      ended_at: null,
      scope,
      checkout: holder.checkout,
      parent: holder.parent,
      touched_at: null,
      automatic,
      max_holders: maxHolders,
      any: any === null ? null : [...any],
    };
    const lease = liveLeaseOf(record, resources, alternatives);
    this.live.add(lease);
    this.#record(record);
    return lease;
  }

  #change(lease: LiveLease, record: LeaseRecord): void {
    lease.record = record;
    this.#record(record);
  }

  /** Stores a claim, and records it for the push message of the commit. */
  #record(record: LeaseRecord): void {
    this.table.put(record);
    this.#changed.push(record);
    this.markDirty();
  }

  /** Stores that a waiting claim was granted. The lock table has already granted it. */
  #grant(lease: LiveLease, call: WriteCall): void {
    const fence = this.#counters.nextFence();
    const granted: LeaseRecord = { ...lease.record, state: "held", fence, offered: true, granted_at: call.nowMs };
    // The lock table has added the chosen names to `lease.resources`.
    if (granted.any !== null) granted.resources = lease.resources.map(({ text }) => text);
    this.#change(lease, granted);
    this.live.countGranted(lease);
    publishLeaseEvent(this.#events, "lease.granted", lease.record, call);
  }
}

export const claimChanges: Model<ClaimChanges> = { open: (opening) => new ClaimChanges(opening) };
