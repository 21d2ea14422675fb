/**
 * Handles the HTTP requests about one lease: to acquire it, to wait in the queue, and to read, renew or end it.
 * front-search.ts and front-waits.ts answer lists, and front-check.ts answers checks. This folder is the API of leases.
 * The lock engine is in src/features/claims/. Runs on the front.
 */
import type { Static } from "typebox";
import { type AcquireRequest, LeaseBody, type LeaseRenewBody } from "../../../schemas/leases.js";
import { CLAIM_MAX_S_DEFAULT } from "../../../schemas/limits/claims.js";
import { LEASE_TTL_S_DEFAULT } from "../../../schemas/limits/leases.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Log } from "../../base/log.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { leaseId, leaseRow, noLease, readResources } from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { LEASE_LOST, NAMES_NOTHING } from "../claims/refusals.js";
import { readGroups } from "../claims/alternatives.js";
import { wantedBy } from "../claims/lock-entry.js";
import type { ConflictCheck } from "./front-check.js";
import { isName, type Resource } from "../claims/resource.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { hashRequest } from "../idempotency/hash.js";
import type { Directory } from "../instances/directory.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { acquireLease, breakLease, leaveQueue, releaseLease, renewLease } from "./commands.js";
import type { QueuedCalls } from "./queued-calls.js";

export interface LeaseFrontOptions {
  readonly writer: Writer;
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly queuedCalls: QueuedCalls;
  readonly conflicts: ConflictCheck;
  readonly log: Log;
  readonly directory: Directory;
}

/** A client that may disconnect before the reply. */
type Client = Pick<Request, "onAbort">;

const OK = 200;
const ACCEPTED = 202;

export class LeaseFront {
  readonly #options: LeaseFrontOptions;

  constructor(options: LeaseFrontOptions) {
    this.#options = options;
  }

  /**
   * Acquires a lease. If it cannot be granted now and the client is willing to wait, the request waits in the queue.
   */
  async acquire(body: LeaseBody, context: CallContext, client: Client): Promise<Answer> {
    const { writer, leases, presenter, conflicts } = this.#options;
    const { actor } = context;
    if (actor === "") return NEEDS_INSTANCE;
    const { queue = false, wait_s = 0, request_id = null, scope } = body;
    const { ttl_s = LEASE_TTL_S_DEFAULT, max_s = CLAIM_MAX_S_DEFAULT, reason = "", reuse = true } = body;
    const workspace = body.workspace ?? this.#workspaceOf(actor);
    const wants = readWanted(body, workspace);
    if (wants instanceof Failure) return wants;
    const { resources: read } = wants;
    const resources = [...new Set(body.resources)];
    let gone = false;
    client.onAbort(() => (gone = true));
    const waits = queue || wait_s > 0;
    const { shared, ...names } = sharingOf(body);
    const wanted = { resources, shared, ...names, workspace, ttl_s, max_s, reason, waits, queued: queue, reuse };
    const request = scope === undefined ? wanted : { ...wanted, scope };
    const identity = { request_id, request_hash: hashRequest(LeaseBody, body) };
    const nearby = (): readonly object[] => conflicts.nearbyOf(read, { actor, shared, scope });
    const isCostly = leases.isCostly(actor, wantedBy(wants));
    const reply = await writer.request(acquireLease, { ...request, ...identity }, context, isCostly);
    if (reply instanceof Failure) return withNearby(presenter.showFailure(reply), nearby);
    const { row, made } = reply;
    const waited = leases.get(row)?.state === "waiting";
    if (made) this.#log(waited ? "lease waits" : "lease granted", row);
    if (waited) {
      const refusal = await this.#wait(row, gone ? 0 : wait_s, context, client);
      if (refusal !== null) return withNearby(refusal, nearby);
    }
    const record = presenter.find(row);
    // The client has disconnected before it got the lease. Release the lease: without a `request_id`, a repeated
    // request would not get it.
    if (gone && made && record?.state === "held" && request_id === null && !queue)
      await writer.request(releaseLease, { row, fence: record.fence }, context);
    // The request has ended during its wait: it was broken, or another call took it out of the queue.
    if (waited && record !== undefined && record.ended_at !== null && record.granted_at === null) return LEASE_LOST;
    return this.#answer(row, record?.state === "waiting" ? ACCEPTED : OK, nearby());
  }

  /** Replies with a lease. With `wait_s`, the reply waits until the lease is granted or ends. */
  async get(id: string, waitS: number, client: Client): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    const { writer, leases } = this.#options;
    if (waitS > 0) await leases.whileWaiting(row, waitS * SECOND_MS, client);
    // Hooks renew automatic leases without waiting for the writer.
    await writer.settled();
    return this.#answer(row);
  }

  async renew(id: string, body: Static<typeof LeaseRenewBody>, context: CallContext): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    const { fence, ttl_s = null, touch = false } = body;
    const request = touch ? { row, fence, ttl_s, touch } : { row, fence, ttl_s };
    const reply = await this.#options.writer.request(renewLease, request, context);
    return reply instanceof Failure ? reply : this.#answer(row);
  }

  async release(id: string, fence: number | null, context: CallContext): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    const { writer, leases } = this.#options;
    const reply = await writer.request(releaseLease, { row, fence }, context, leases.isEndCostly(row));
    if (!(reply instanceof Failure) && reply.changed) this.#log("lease released", row);
    return reply instanceof Failure ? reply : jsonReply(`{"released":"${id}"}`);
  }

  async break(id: string, reason: string, context: CallContext): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    const { writer, leases } = this.#options;
    const reply = await writer.request(breakLease, { row, reason }, context, leases.isEndCostly(row));
    if (!(reply instanceof Failure)) this.#log("lease broken", row);
    return reply instanceof Failure ? reply : jsonReply(`{"broken":"${id}"}`);
  }

  #workspaceOf(instance: string): string {
    return this.#options.directory.get(instance)?.workspace ?? "";
  }

  /**
   * Waits until a queued request is granted or ends, at most `waitS` seconds. Returns null if that happened in time.
   * After the time-out, a request with `queue` stays in the queue, and the result is also null. Any other request then
   * leaves the queue, unless another call still waits for it, and the result is the failure.
   */
  async #wait(row: number, waitS: number, context: CallContext, client: Client): Promise<Failure | null> {
    const { writer, leases, presenter, queuedCalls } = this.#options;
    const endWait = queuedCalls.join(row);
    if (waitS > 0) await leases.whileWaiting(row, waitS * SECOND_MS, client);
    const { others } = endWait();
    const record = leases.get(row);
    if (record?.state !== "waiting" || record.queued) return null;
    const reply = await writer.request(leaveQueue, { row, stays: others }, context, leases.isCostlyAt(row));
    if (reply instanceof Failure) {
      queuedCalls.abandon(row);
      return reply;
    }
    if (reply.held) return null;
    const conflicts = reply.conflicts.map((conflict) => presenter.showConflict(conflict));
    const [first] = reply.conflicts;
    const blocker = first === undefined ? undefined : presenter.find(first.lease);
    const verb = blocker?.state === "waiting" ? "awaited" : "leased";
    const message = `${verb} by ${blocker?.holder_name ?? ""}: ${first?.resource ?? ""}`;
    return new Failure("ALREADY_EXISTS", message, { conflicts });
  }

  #log(what: string, row: number): void {
    const { log } = this.#options;
    if (log.infos) log.info(what, { id: leaseId(row) });
  }

  #answer(row: number, status = OK, nearby: readonly object[] = []): Answer {
    const { presenter } = this.#options;
    const record = presenter.find(row);
    if (record === undefined) return noLease(leaseId(row));
    const shown = presenter.show(record);
    return jsonReply(JSON.stringify(nearby.length === 0 ? shown : { ...shown, nearby }), status);
  }
}

/** Parses the resources of a request, and checks its groups and its maximum number of holders. */
function readWanted(
  body: LeaseBody,
  workspace: string,
): { readonly resources: Resource[]; readonly alternatives: Resource[][] } | Failure {
  const { resources = [], any, max_holders, mode } = body;
  if (resources.length === 0 && any === undefined) return NAMES_NOTHING;
  const read = readResources(resources, workspace);
  if (read instanceof Failure) return read;
  if (max_holders !== undefined) {
    const at = read.findIndex((resource) => !isName(resource));
    if (at >= 0) return invalid(`max_holders is for names: resources[${at}] is ${shorten(read[at]?.text ?? "")}`);
    if (max_holders > 1 && mode === "exclusive") return invalid("mode must be shared where max_holders is more than 1");
  }
  const groups = readGroups(any ?? [], workspace, read);
  return groups instanceof Failure ? groups : { resources: read, alternatives: groups };
}

/**
 * Returns the members of the writer's request that say how many holders may share the resources. With a maximum of one
 * holder, the lease is exclusive.
 */
function sharingOf({ mode, any, max_holders }: LeaseBody): Pick<AcquireRequest, "shared" | "any" | "max_holders"> {
  const names = any === undefined ? {} : { any };
  if (max_holders === undefined) return { shared: mode === "shared", ...names };
  return max_holders === 1 ? { shared: false, ...names } : { shared: true, max_holders, ...names };
}

/**
 * If a request has failed because of a conflict or a deadlock, adds the overlapping leases in other checkouts to the
 * failure.
 */
function withNearby(failure: Failure, find: () => readonly object[]): Failure {
  if (failure.members === null || !("conflicts" in failure.members || "cycle" in failure.members)) return failure;
  const nearby = find();
  return nearby.length === 0 ? failure : failure.with({ ...failure.members, nearby });
}
