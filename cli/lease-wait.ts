/**
 * Waits for a lease. Enters the queue once, and then polls the lease until it is granted or the time is up. So the wait
 * may be longer than one call may wait. It also survives a restart of the server, because the server stores the queue.
 * Runs in the CLI process.
 */
import { WAIT_S_MAX } from "../schemas/limits/wait.js";
import { formatDuration, SECOND_MS } from "../shared/duration.js";
import { failureOf, isTransient, RetryDeadline, type RetryOptions, Refusal } from "./ask.js";
import { CliFailure, refused } from "./failure.js";
import { getLease, releaseLease, requestLease } from "./lease-calls.js";
import type { Lease, LeaseRequest, LeaseAnswer } from "./lease-calls.js";
import type { Settings } from "./settings.js";

export interface LeaseWaitOptions extends RetryOptions {
  readonly waitMs: number;
  /** Whether the request stays in the queue when the time is up. */
  readonly staysQueued: boolean;
  /** Ends the wait when it fires, and removes the request from the queue. */
  readonly signal: AbortSignal;
  /** Called with the waiting lease after it has entered the queue, and then every `reportS` seconds. */
  readonly onWaiting?: (lease: Lease) => void;
  /** The maximum time between two calls of `onWaiting`, in seconds; WAIT_S_MAX by default. */
  readonly reportS?: number;
}

class LeaseWaiter {
  readonly #settings: Settings;
  readonly #options: LeaseWaitOptions;
  readonly #deadline: RetryDeadline;

  constructor(settings: Settings, options: LeaseWaitOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#deadline = new RetryDeadline(options);
  }

  /** Polls the lease until the request has left the queue or the time is up. */
  async #untilDecided(first: LeaseAnswer): Promise<LeaseAnswer | Refusal | CliFailure> {
    const { signal, onWaiting, reportS = WAIT_S_MAX } = this.#options;
    let latest = first;
    for (
      let leftMs = this.#deadline.leftMs;
      latest.lease.state === "waiting" && leftMs > 0;
      leftMs = this.#deadline.leftMs
    ) {
      onWaiting?.(latest.lease);
      const waitS = Math.min(reportS, Math.ceil(leftMs / SECOND_MS));
      const outcome = await this.#deadline.untilAnswered(() =>
        getLease(this.#settings, first.lease.id, waitS, { signal }),
      );
      // The time is up and the server is unreachable. The request is still in the queue, so return the last known state
      // of the lease.
      if (isTransient(outcome)) return this.#deadline.leftMs > 0 ? outcome : latest;
      if (outcome instanceof Refusal) return outcome;
      latest = outcome;
    }
    return latest;
  }

  /** Removes the request from the queue. Returns the lease if it was granted before it could be removed. */
  async #leaveQueue(latest: LeaseAnswer): Promise<LeaseAnswer | CliFailure | undefined> {
    const { id } = latest.lease;
    const left = await releaseLease(this.#settings, id, null);
    if (Buffer.isBuffer(left)) return undefined;
    const now = await getLease(this.#settings, id);
    if (now instanceof Refusal || now instanceof CliFailure) return failureOf(left);
    return now.lease.state === "held" ? now : undefined;
  }

  /**
   * Requests a lease, waits for it, and returns the held lease. If the time is up, returns the waiting lease if
   * `staysQueued` is set. Otherwise leaves the queue, and requests the lease once more without waiting.
   */
  async acquire(request: LeaseRequest): Promise<LeaseAnswer | CliFailure> {
    const { signal, staysQueued, waitMs } = this.#options;
    // A call without an answer is repeated with the same request id, so the request keeps its place in the queue.
    const queueing = { queue: true, request_id: crypto.randomUUID() } as const;
    // The first call does not wait, so its answer comes at once. The answer contains the lease's id, which is needed to
    // leave the queue.
    const queued = await this.#deadline.untilAnswered(() => requestLease(this.#settings, request, queueing));
    if (queued instanceof Refusal || queued instanceof CliFailure) return failureOf(queued);
    const latest = await this.#untilDecided(queued);
    if (latest instanceof Refusal || latest instanceof CliFailure) return failureOf(latest);
    const { state, reason } = latest.lease;
    if (state === "held") return await this.#releaseIfStopped(latest);
    if (state !== "waiting") return refused(`the request for the lease is ${state}: ${reason}`);
    if (staysQueued && !signal.aborted) return latest;
    const granted = await this.#leaveQueue(latest);
    if (granted instanceof CliFailure) return granted;
    if (granted !== undefined) return await this.#releaseIfStopped(granted);
    if (signal.aborted) return refused("stopped while it waited for the lease");
    return await this.#requestOnce(request, waitMs);
  }

  /** Waits until an earlier request has left the queue or the time is up. Returns the lease. */
  async watch(id: string): Promise<LeaseAnswer | CliFailure> {
    const { signal } = this.#options;
    const first = await this.#deadline.untilAnswered(() => getLease(this.#settings, id, 0, { signal }));
    const latest = first instanceof Refusal || first instanceof CliFailure ? first : await this.#untilDecided(first);
    return latest instanceof Refusal || latest instanceof CliFailure ? failureOf(latest) : latest;
  }

  /** Releases the lease if it was granted after the signal had fired. */
  async #releaseIfStopped(latest: LeaseAnswer): Promise<LeaseAnswer | CliFailure> {
    if (!this.#options.signal.aborted) return latest;
    await releaseLease(this.#settings, latest.lease.id, latest.lease.fence);
    return refused("stopped while it waited for the lease");
  }

  /**
   * Requests the lease again, but without entering the queue. If it is not free, the server's refusal names the
   * blocker.
   */
  async #requestOnce(request: LeaseRequest, waitMs: number): Promise<LeaseAnswer | CliFailure> {
    const outcome = await requestLease(this.#settings, request, {});
    if (!(outcome instanceof Refusal || outcome instanceof CliFailure)) return outcome;
    const { exit, message } = failureOf(outcome);
    return new CliFailure(exit, `no lease within ${formatDuration(waitMs)}: ${message}`);
  }
}

/** Waits in the queue for a lease, for at most `waitMs`. Then leaves the queue, unless `staysQueued` is set. */
export async function waitForLease(
  settings: Settings,
  request: LeaseRequest,
  options: LeaseWaitOptions,
): Promise<LeaseAnswer | CliFailure> {
  return await new LeaseWaiter(settings, options).acquire(request);
}

/** Waits for a lease that was requested earlier, until it has left the queue or `waitMs` has passed. */
export async function watchLease(settings: Settings, id: string, waitMs: number): Promise<LeaseAnswer | CliFailure> {
  const { signal } = new AbortController();
  return await new LeaseWaiter(settings, { waitMs, staysQueued: true, signal }).watch(id);
}
