/**
 * Handles the HTTP requests about leases: acquiring them, waiting in the queue, lists and checks. This folder is the
 * API of leases. The lock engine is in src/features/claims/. Runs on the front.
 */
import type { Static } from "typebox";
import {
  type AcquireRequest,
  LeaseBody,
  type LeaseCheckBody,
  type LeaseQuery,
  type LeaseRecord,
  type LeaseRenewBody,
  type LeaseWaitsQuery,
} from "../../../schemas/leases.js";
import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { CLAIM_MAX_S_DEFAULT } from "../../../schemas/limits/claims.js";
import {
  LEASE_CONFLICTS_MAX,
  LEASE_LIST_PAGE,
  LEASE_NEARBY_MAX,
  LEASE_ROWS_DEFAULT,
  LEASE_TTL_S_DEFAULT,
} from "../../../schemas/limits/leases.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Log } from "../../base/log.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { TimeSlice } from "../../base/time-slice.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import {
  isLease,
  leaseId,
  leaseRow,
  liveLease,
  type LiveLease,
  noLease,
  readGlobs,
  readResources,
  TOO_MANY_STEPS,
} from "../claims/lease.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { wantedBy } from "../claims/lock-entry.js";
import { LEASE_LOST, NAMES_NOTHING } from "../claims/refusals.js";
import { readGroups } from "../claims/alternatives.js";
import { isName, parsePath, resourcesMeet, type Resource, storedResource } from "../claims/resource.js";
import type { LeaseReader } from "../claims/table.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import { jsonReply, wholeListReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { hashRequest } from "../idempotency/hash.js";
import type { Directory } from "../instances/directory.js";
import { applicantOf } from "../instances/holders.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { acquireLease, breakLease, leaveQueue, releaseLease, renewLease } from "./commands.js";
import { findWaits } from "./jobs.js";
import { LeaseList } from "./list.js";
import type { QueuedCalls } from "./queued-calls.js";

export interface LeaseFrontOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly queuedCalls: QueuedCalls;
  readonly reader: LeaseReader;
  readonly log: Log;
  readonly directory: Directory;
}

/** A client that may disconnect before the reply. */
type Client = Pick<Request, "onAbort">;

/** The number of rows of a job that reads all live leases. It makes the job run in the worker pool. */
const EVERY_ROW = Number.POSITIVE_INFINITY;
const OK = 200;
const ACCEPTED = 202;

export class LeaseFront {
  readonly #options: LeaseFrontOptions;
  readonly #slice = new TimeSlice();

  constructor(options: LeaseFrontOptions) {
    this.#options = options;
  }

  /** Acquires a lease. If the lease is taken, the request waits in the queue if the client allows that. */
  async acquire(body: LeaseBody, context: CallContext, client: Client): Promise<Answer> {
    const { writer, leases, presenter } = this.#options;
    const { actor } = context;
    if (actor === "") return NEEDS_INSTANCE;
    const { queue = false, wait_s = 0, request_id = null, scope } = body;
    const { ttl_s = LEASE_TTL_S_DEFAULT, max_s = CLAIM_MAX_S_DEFAULT, reason = "", reuse = true } = body;
    const workspace = body.workspace ?? this.#workspaceOf(actor);
    const read = readWanted(body, workspace);
    if (read instanceof Failure) return read;
    const { resources = [] } = body;
    let gone = false;
    client.onAbort(() => (gone = true));
    const waits = queue || wait_s > 0;
    const { shared, ...names } = sharingOf(body);
    const wanted = { resources, shared, ...names, workspace, ttl_s, max_s, reason, waits, queued: queue, reuse };
    const request = scope === undefined ? wanted : { ...wanted, scope };
    const identity = { request_id, request_hash: hashRequest(LeaseBody, body) };
    const nearby = (): readonly object[] => this.#nearbyOf(read, { actor, shared, scope });
    const reply = await writer.request(acquireLease, { ...request, ...identity }, context);
    if (reply instanceof Failure) return withNearby(presenter.showFailure(reply), nearby);
    const { row, made } = reply;
    const waited = leases.get(row)?.state === "waiting";
    if (made) this.#log(waited ? "lease waits" : "lease granted", row);
    if (waited) {
      const refusal = await this.#wait(row, gone ? 0 : wait_s, context, client);
      if (refusal !== null) return withNearby(refusal, nearby);
    }
    const record = presenter.find(row);
    // Release the lease. The client has disconnected without seeing it and, without a `request_id`, cannot ask for it
    // again.
    if (gone && made && record?.state === "held" && request_id === null && !queue)
      await writer.request(releaseLease, { row, fence: record.fence }, context);
    // The request ended while it waited, because it was broken or another call took it out of the queue.
    if (waited && record !== undefined && record.ended_at !== null && record.granted_at === null) return LEASE_LOST;
    return this.#answer(row, record?.state === "waiting" ? ACCEPTED : OK, nearby());
  }

  /** Replies with a lease. With `wait_s`, the reply waits until the lease is no longer waiting. */
  async get(id: string, waitS: number, client: Client): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    if (waitS > 0) await this.#options.leases.whileWaiting(row, waitS * SECOND_MS, client);
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
    const reply = await this.#options.writer.request(releaseLease, { row, fence }, context);
    if (!(reply instanceof Failure) && reply.changed) this.#log("lease released", row);
    return reply instanceof Failure ? reply : jsonReply(`{"released":"${id}"}`);
  }

  async break(id: string, reason: string, context: CallContext): Promise<Answer> {
    const row = leaseRow(id);
    if (row === undefined) return noLease(id);
    const reply = await this.#options.writer.request(breakLease, { row, reason }, context);
    if (!(reply instanceof Failure)) this.#log("lease broken", row);
    return reply instanceof Failure ? reply : jsonReply(`{"broken":"${id}"}`);
  }

  /** Matching leases, the newest first. */
  async list(query: Static<typeof LeaseQuery>, { actor }: CallContext): Promise<Answer> {
    const { workspace, holder, state = "held", resource, limit = LEASE_ROWS_DEFAULT, after } = query;
    const { own = 0, from, to } = query;
    if (own === 1 && actor === "") return NEEDS_INSTANCE;
    const before = leaseRow(after ?? "") ?? Number.MAX_SAFE_INTEGER;
    const overlaps = overlapping(resource, workspace);
    if (overlaps instanceof Failure) return overlaps;
    const matches = (record: LeaseRecord): boolean =>
      isLease(record) &&
      record.row < before &&
      (state === "all" || record.state === state) &&
      (workspace === undefined || record.workspace === workspace) &&
      (holder === undefined || record.holder === holder) &&
      (own === 0 || this.#isOwn(record, actor)) &&
      wasHeldWithin(record, from, to) &&
      overlaps(record);
    const list = new LeaseList((record) => this.#options.presenter.show(record), limit);
    for await (const records of this.#pages(state === "held" || state === "waiting", before)) {
      for (const record of records) {
        if (list.ended) break;
        await this.#slice.yieldIfOver();
        if (matches(record)) list.add(record);
      }
      if (list.ended) break;
    }
    return wholeListReply(list.end());
  }

  /**
   * Replies with pairs of a waiting lease and a lease for which it waits. Leaves out leases that were granted or ended
   * after they were read.
   */
  async waits(
    { workspace, limit = LEASE_ROWS_DEFAULT }: Static<typeof LeaseWaitsQuery>,
    context: CallContext,
  ): Promise<Answer> {
    const { reads, leases, presenter } = this.#options;
    const found = await reads.run(findWaits, { workspace: workspace ?? null, limit }, context, EVERY_ROW);
    if (found instanceof Failure) return found;
    const named = new Map<number, string>();
    let bytes = 0;
    const name = (row: number, record: LeaseRecord): void => {
      if (named.has(row)) return;
      const text = JSON.stringify(presenter.show(record));
      bytes += Buffer.byteLength(text);
      named.set(row, text);
    };
    const waits: unknown[] = [];
    for (const wait of found.waits) {
      const waiting = leases.get(wait.lease);
      const blocker = leases.get(wait.for);
      if (waiting?.state !== "waiting" || blocker === undefined) continue;
      // Stop here. The longest waits come first, so the waits that do not fit are the shortest.
      if (bytes > LIST_BYTES_MAX) break;
      name(wait.for, blocker);
      name(wait.lease, waiting);
      waits.push({ ...wait, lease: leaseId(wait.lease), for: leaseId(wait.for) });
    }
    const texts = [...named].toSorted(([a], [b]) => b - a).map(([, text]) => text);
    return jsonReply(`{"waiting":${found.waiting},"waits":${JSON.stringify(waits)},"leases":[${texts.join(",")}]}`);
  }

  /** Replies with the leases with which a claim of some paths would conflict. */
  async check(
    { workspace: given, paths, mode, checkout, scope }: Static<typeof LeaseCheckBody>,
    header: string,
    { actor }: CallContext,
  ): Promise<Answer> {
    const { leases, presenter, directory } = this.#options;
    const fallback = sentWorkspace(header);
    if (fallback instanceof Failure) return fallback;
    const workspace = given ?? (actor === "" ? fallback : this.#workspaceOf(actor));
    const { checkout: own, ...party } = applicantOf(directory, actor);
    const limitedTo = scope === "repo" ? null : (checkout ?? (scope === "checkout" ? own : null));
    const asked = { ...party, shared: mode === "shared", limitedTo };
    const conflicts: string[] = [];
    const nearby: string[] = [];
    let bytes = 0;
    const shown = new Map<number, string>();
    const show = (path: string, { order, record }: LiveLease): string => {
      const lease = shown.get(order) ?? JSON.stringify(presenter.show(record));
      shown.set(order, lease);
      return `{"path":${JSON.stringify(path)},"lease":${lease}}`;
    };
    for (const [at, path] of paths.entries()) {
      const wanted = parsePath(path, workspace, `paths[${at}]`);
      if (wanted instanceof Failure) return wanted;
      await this.#slice.yieldIfOver();
      if (leases.costsTooMuch([wanted])) return TOO_MANY_STEPS;
      for (const { filed } of leases.heldByOthers([wanted], asked)) {
        if (conflicts.length < LEASE_CONFLICTS_MAX * paths.length) {
          const text = show(path, filed);
          bytes += Buffer.byteLength(text);
          if (bytes <= LIST_BYTES_MAX || conflicts.length === 0) conflicts.push(text);
        }
      }
      if (nearby.length === LEASE_NEARBY_MAX) continue;
      for (const { filed } of leases.nearbyOf(wanted, asked).slice(0, LEASE_NEARBY_MAX - nearby.length))
        nearby.push(show(path, filed));
    }
    const more = nearby.length === 0 ? "" : `,"nearby":[${nearby.join(",")}]`;
    return jsonReply(`{"free":${conflicts.length === 0},"conflicts":[${conflicts.join(",")}]${more}}`);
  }

  /**
   * Lists the leases of other checkouts that overlap the resources of a request, with the form of conflicts.
   * @param scope the scope of the request; undefined for `repo`, which has no such leases
   */
  #nearbyOf(
    resources: readonly Resource[],
    { actor, shared, scope }: { readonly actor: string; readonly shared: boolean; readonly scope: LeaseBody["scope"] },
  ): readonly object[] {
    const { leases, presenter, directory } = this.#options;
    if (scope !== "checkout") return [];
    const { checkout: limitedTo, ...party } = applicantOf(directory, actor);
    const asked = { ...party, shared, limitedTo };
    const nearby: object[] = [];
    for (const wanted of resources) {
      for (const { resource, filed } of leases.nearbyOf(wanted, asked)) {
        if (nearby.length === LEASE_NEARBY_MAX) return nearby;
        nearby.push({ resource: resource.text, wanted: wanted.text, lease: presenter.show(filed.record) });
      }
    }
    return nearby;
  }

  /** Whether a lease is held by an instance, by its parent, or by one of its subagents. */
  #isOwn({ holder, parent }: LeaseRecord, actor: string): boolean {
    return holder === actor || parent === actor || holder === this.#options.directory.get(actor)?.parent;
  }

  #workspaceOf(instance: string): string {
    return this.#options.directory.get(instance)?.workspace ?? "";
  }

  /**
   * Waits until a queued request is granted or ends, for at most `wait_s`. Returns null if the request was granted, has
   * ended, or may stay in the queue without a call (`queue`). Otherwise returns the refusal.
   */
  async #wait(row: number, waitS: number, context: CallContext, client: Client): Promise<Failure | null> {
    const { writer, leases, presenter, queuedCalls } = this.#options;
    const endWait = queuedCalls.join(row);
    if (waitS > 0) await leases.whileWaiting(row, waitS * SECOND_MS, client);
    const { others } = endWait();
    const record = leases.get(row);
    if (record?.state !== "waiting" || record.queued) return null;
    const reply = await writer.request(leaveQueue, { row, stays: others }, context);
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

  /**
   * Yields pages of lease records. Live leases come from memory. Other leases come from the database, with a pause
   * after each page so that other requests are served.
   */
  async *#pages(live: boolean, before: number): AsyncGenerator<readonly LeaseRecord[]> {
    const { leases, reader } = this.#options;
    if (live) {
      yield leases.list();
      return;
    }
    for (let next: number | undefined = before; next !== undefined; ) {
      const page: LeaseRecord[] = reader.page(next, LEASE_LIST_PAGE);
      yield page;
      next = page.length < LEASE_LIST_PAGE ? undefined : page.at(-1)?.row;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
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

/** Parses the resources of a request, and checks its groups and what it says of the number of holders. */
function readWanted(body: LeaseBody, workspace: string): Resource[] | Failure {
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
  return groups instanceof Failure ? groups : read;
}

/** Returns how the writer's request shares its names. One holder at most is an exclusive lease. */
function sharingOf({ mode, any, max_holders }: LeaseBody): Pick<AcquireRequest, "shared" | "any" | "max_holders"> {
  const names = any === undefined ? {} : { any };
  if (max_holders === undefined) return { shared: mode === "shared", ...names };
  return max_holders === 1 ? { shared: false, ...names } : { shared: true, max_holders, ...names };
}

/**
 * Whether a lease was held at some time in a period. A lease that was never granted was not. Without a period, every
 * lease matches.
 */
function wasHeldWithin({ granted_at, ended_at }: LeaseRecord, from?: number, to?: number): boolean {
  if (from === undefined && to === undefined) return true;
  if (granted_at === null || (to !== undefined && granted_at > to)) return false;
  return from === undefined || ended_at === null || ended_at >= from;
}

/** Adds the leases of other checkouts to the refusal of a request that conflicts with a lease. */
function withNearby(failure: Failure, find: () => readonly object[]): Failure {
  if (failure.members === null || !("conflicts" in failure.members || "cycle" in failure.members)) return failure;
  const nearby = find();
  return nearby.length === 0 ? failure : failure.with({ ...failure.members, nearby });
}

/**
 * Returns a function that tests whether a lease overlaps a resource. Without a workspace, the resource is taken to be
 * in the lease's own workspace.
 */
function overlapping(
  text: string | undefined,
  workspace: string | undefined,
): ((record: LeaseRecord) => boolean) | Failure {
  if (text === undefined) return () => true;
  const problem = readGlobs([text], workspace ?? "", () => "resource", "resource");
  if (problem instanceof Failure) return problem;
  const asked = new Map<string, Resource>();
  const askedIn = (workspaceOfLease: string): Resource => {
    const known = asked.get(workspaceOfLease) ?? storedResource(text, workspaceOfLease);
    asked.set(workspaceOfLease, known);
    return known;
  };
  return (record) => wantedBy(liveLease(record)).some((theirs) => resourcesMeet(theirs, askedIn(record.workspace)));
}
