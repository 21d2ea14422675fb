/** The calls about leases. A lease that the client holds is renewed in the background (held-claim.ts). */
import type { CallOptions } from "./deadline.js";
import { KoorError, LeasedError, UnavailableError } from "./errors.js";
import { HeldClaim, Moment } from "./held-claim.js";
import { newRequestId } from "./request-id.js";
import type { RequestPlan, Transport } from "./transport.js";
import type { AcquiredLease, Lease, LeaseBody, LeaseCheck, LeaseCheckBody, LeaseQuery } from "./types.js";
import { segment } from "./versioned.js";
import { wholeList } from "./whole-list.js";

/** The maximum time of one long poll, in s. Proxies may cut a longer one. */
const POLL_S_MAX = 30;
/** How long the client tries to release a lease. If it fails, the lease ends by itself. */
const CLEANUP: CallOptions = { timeoutMs: 5000 };

export interface AcquireOptions extends CallOptions, Omit<LeaseBody, "resources" | "queue" | "wait_s" | "request_id"> {
  /**
   * How long to wait in the queue, in s; Infinity for no limit. With 0, the default, the call fails at once if a
   * resource is not free.
   */
  readonly wait_s?: number;
}

export interface LeaseListOptions extends CallOptions, Readonly<Omit<LeaseQuery, "state" | "own" | "from" | "to">> {
  readonly state?: Lease["state"] | "all";
  /** Only the leases of this instance, of its parent and of its subagents. */
  readonly own?: boolean;
  /** Only leases that were held at some time between `from` and `to`, in RFC 3339. */
  readonly from?: string;
  readonly to?: string;
}

export interface LeaseCheckOptions extends CallOptions, Readonly<Omit<LeaseCheckBody, "paths">> {}

/** A lease that this client holds and renews. */
export class HeldLease implements AsyncDisposable {
  /** The lease, as the server has granted it. */
  readonly lease: AcquiredLease;
  /**
   * The fence of the lease. Send it with each write under the lease: the server then refuses writes after the end of
   * the lease.
   */
  readonly fence: number;
  readonly #claim: HeldClaim;
  readonly #release: () => Promise<void>;

  constructor(lease: AcquiredLease, claim: HeldClaim, release: () => Promise<void>) {
    this.lease = lease;
    this.fence = lease.fence ?? 0;
    this.#claim = claim;
    this.#release = release;
  }

  /** A signal that fires before another instance can get the lease. Its reason is a LeaseLostError. */
  get signal(): AbortSignal {
    return this.#claim.signal;
  }

  /** Releases the lease. Does nothing if the lease was lost. */
  async release(): Promise<void> {
    const wasLost = this.#claim.isLost;
    this.#claim.end();
    if (!wasLost) await this.#release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

function pathOf(id: string): string {
  return `/api/leases/${segment(id)}`;
}

/** Returns whether a request may have got a lease, although it failed with this error. */
function mayHaveArrived(error: unknown): boolean {
  return error instanceof KoorError ? error instanceof UnavailableError && error.outcomeUnknown : true;
}

export class Leases {
  readonly #transport: Transport;
  /**
   * The transport for renewals and releases. It does not end with the client's signal, so that leases can be released
   * after it.
   */
  readonly #holding: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#holding = transport.as({ signal: undefined });
  }

  /**
   * Runs a function while a lease is held, and releases the lease at the end. Fails with LeaseLostError if the lease
   * was lost meanwhile, even if the function has returned. Fails with LeasedError if the resources are not free.
   */
  async with<Result>(
    resources: string | readonly string[],
    run: (lease: HeldLease) => Result | Promise<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    const held = await this.acquire(resources, options);
    try {
      const result = await run(held);
      held.signal.throwIfAborted();
      return result;
    } finally {
      await held.release();
    }
  }

  /**
   * Acquires a lease, and renews it until it is released. `any` contains groups of names, and the server leases one
   * name of each group. The chosen names are at the end of the lease's `resources`. With `await using`, the lease is
   * released at the end of the block.
   */
  async acquire(resources: string | readonly string[], options: AcquireOptions = {}): Promise<HeldLease> {
    const { signal, timeoutMs, wait_s: waitS = 0, ...body } = options;
    const call = { signal, timeoutMs };
    const names = typeof resources === "string" ? [resources] : resources;
    const json = {
      ...body,
      // Leave `resources` out if the caller names only alternatives (`any`).
      resources: names.length === 0 ? undefined : names,
      reuse: body.reuse ?? false,
      queue: waitS > 0,
      request_id: newRequestId(),
    };
    const sentAt = new Moment();
    const plan = { method: "POST", path: "/api/leases", json, repeatable: true };
    const asked = await this.#transport.json<AcquiredLease>(plan, call).catch((error: unknown) => {
      if (mayHaveArrived(error)) void this.#abandon(plan);
      throw error;
    });
    const granted =
      asked.state === "held"
        ? { lease: asked, heardAt: sentAt, grantedAfter: sentAt }
        : await this.#wait(asked, waitS, sentAt, call);
    const { lease, heardAt, grantedAfter } = granted;
    const claim = new HeldClaim({
      ttlMs: lease.ttl_s * 1000,
      maxMs: lease.max_s * 1000,
      heardAt,
      grantedAfter,
      renew: async (leftMs) => {
        await this.#renew(lease, { timeoutMs: leftMs });
      },
    });
    return new HeldLease(lease, claim, () => this.#giveBack(lease));
  }

  /**
   * Waits in the queue until the lease is granted. If that takes too long, or if the call is aborted, leaves the queue.
   */
  async #wait(
    asked: AcquiredLease,
    waitS: number,
    sentAt: Moment,
    call: CallOptions,
  ): Promise<{ lease: AcquiredLease; heardAt: Moment; grantedAfter: Moment }> {
    let grantedAfter = sentAt;
    try {
      for (;;) {
        const leftS = waitS - sentAt.elapsedMs() / 1000;
        const poll = Math.max(0, Math.min(POLL_S_MAX, Math.ceil(leftS)));
        const pollAt = new Moment();
        const plan = { method: "GET", path: pathOf(asked.id), query: { wait: poll }, waitMs: poll * 1000 };
        const now = await this.#transport.json<AcquiredLease>(plan, call);
        if (now.state === "held") {
          // The first heartbeat after the grant shows the server that the client knows of the grant.
          const heardAt = new Moment();
          return { lease: await this.#renew(now, call), heardAt, grantedAfter };
        }
        if (now.state !== "waiting") throw new LeasedError(`the request left the line: ${now.reason}`, { body: now });
        if (leftS <= 0) throw new LeasedError("the lease was not free in time", { body: now });
        grantedAfter = pollAt;
        await this.#transport.leaveIsolated(call.signal);
      }
    } catch (error) {
      const leaving = this.#leave(asked);
      // Do not wait for the leaving if the call was aborted, because an aborted call ends at once.
      if (error instanceof KoorError) await leaving;
      throw error;
    }
  }

  /**
   * Releases the lease that a request may have got although its answer was lost. Sends the request again to find the
   * lease, because the server recognizes the request by its `request_id`.
   */
  async #abandon(plan: RequestPlan & { readonly json: unknown }): Promise<void> {
    try {
      await this.#leave(await this.#holding.json<Lease>(plan, CLEANUP));
    } catch {
      // Nothing needs to be released, or the lease ends by itself after ttl_s.
    }
  }

  /** Takes a request out of the queue. If the lease was granted meanwhile, releases it. */
  async #leave(asked: AcquiredLease): Promise<void> {
    try {
      const now = await this.#holding.json<Lease>({ method: "GET", path: pathOf(asked.id) }, CLEANUP);
      if (now.state === "waiting" || now.state === "held") await this.#giveBack(now);
    } catch {
      // The server drops the request by itself if it gets no renewal for ttl_s.
    }
  }

  #renew({ id, fence }: Lease, call: CallOptions): Promise<AcquiredLease> {
    const path = `${pathOf(id)}/renew`;
    return this.#holding.json({ method: "POST", path, json: { fence }, repeatable: true }, call);
  }

  async #giveBack({ id, fence }: Lease): Promise<void> {
    const query = { fence: fence ?? undefined };
    try {
      await this.#holding.send({ method: "DELETE", path: pathOf(id), query, repeatable: true }, CLEANUP);
    } catch {
      // Ignore the error: the lease was lost already, or it ends by itself after ttl_s.
    }
  }

  /**
   * Lists all held leases that match, or with `state` the leases in other states, the newest first. With `limit`, lists
   * at most that many.
   */
  list(options: LeaseListOptions = {}): Promise<Lease[]> {
    const { signal, timeoutMs, ...query } = options;
    const plan = { path: "/api/leases", query, member: "leases", paged: true } as const;
    return wholeList(this.#transport, plan, { signal, timeoutMs });
  }

  /** Returns one lease, even if it has ended. */
  get(id: string, options?: CallOptions): Promise<Lease> {
    return this.#transport.json({ method: "GET", path: pathOf(id) }, options);
  }

  /** Returns which of these paths another instance has leased. */
  check(paths: readonly string[], options: LeaseCheckOptions = {}): Promise<LeaseCheck> {
    const { signal, timeoutMs, ...body } = options;
    const plan = { method: "POST", path: "/api/leases/check", json: { ...body, paths }, repeatable: true };
    return this.#transport.json(plan, { signal, timeoutMs });
  }

  /** Takes a lease from its holder. Needs the server's token. */
  async break(id: string, reason: string, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "POST", path: `${pathOf(id)}/break`, json: { reason } }, options);
  }
}
