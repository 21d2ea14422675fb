/**
 * Waiting for a lease for longer than one call may, across restarts of the server: into the queueing once, then asking
 * whether it is our turn until it is, or until the time is up. Runs in the command line's process. By hand: what makes
 * it durable is the lease's place in queueing, which the server keeps.
 */
import { WAIT_S_MAX } from "../schemas/limits.js";
import { failureOf, isTransient, RetryDeadline, type RetryOptions, Refusal } from "./ask.js";
import { CliFailure, refused } from "./failure.js";
import { formatDuration } from "./duration.js";
import { getLease, releaseLease, requestLease } from "./lease-calls.js";
import type { LeaseRequest, LeaseAnswer } from "./lease-calls.js";
import type { Settings } from "./settings.js";

const SECOND_MS = 1_000;

export interface LeaseWaitOptions extends RetryOptions {
  readonly wait_ms: number;
  /** Whether it staysQueued in queueing when the time is up. */
  readonly staysQueued: boolean;
  /** Ends the wait; who waits leaves the queueing then. */
  readonly signal: AbortSignal;
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

  /** Asks until it does not wait any more, or the time is up. */
  async #untilDecided(first: LeaseAnswer): Promise<LeaseAnswer | Refusal | CliFailure> {
    const { signal } = this.#options;
    let latest = first;
    for (
      let left_ms = this.#deadline.left_ms;
      latest.lease.state === "waiting" && left_ms > 0;
      left_ms = this.#deadline.left_ms
    ) {
      const wait_s = Math.min(WAIT_S_MAX, Math.ceil(left_ms / SECOND_MS));
      const outcome = await this.#deadline.untilAnswered(() =>
        getLease(this.#settings, first.lease.id, wait_s, { signal }),
      );
      // Out of time is not out of queueing: what was known last holds.
      if (isTransient(outcome)) return this.#deadline.left_ms > 0 ? outcome : latest;
      if (outcome instanceof Refusal) return outcome;
      latest = outcome;
    }
    return latest;
  }

  /** Out of queueing; the lease where it was granted at the last moment. */
  async #leaveQueue(latest: LeaseAnswer): Promise<LeaseAnswer | CliFailure | undefined> {
    const { id } = latest.lease;
    const left = await releaseLease(this.#settings, id, null);
    if (Buffer.isBuffer(left)) return undefined;
    const now = await getLease(this.#settings, id);
    if (now instanceof Refusal || now instanceof CliFailure) return failureOf(left);
    return now.lease.state === "held" ? now : undefined;
  }

  /** The lease, held; or waiting, where it is to stay in queueing. */
  async acquire(request: LeaseRequest): Promise<LeaseAnswer | CliFailure> {
    const { signal, staysQueued, wait_ms } = this.#options;
    // A call whose answer was lost is made again: by its id it is the same place in queueing.
    const queueing = { queue: true, request_id: crypto.randomUUID() } as const;
    // The call that gets into the queueing does not wait there: from now on it is known what is to be left.
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
    return await this.#requestOnce(request, wait_ms);
  }

  /** The lease as soon as it does not wait any more, or when the time is up. */
  async watch(id: string): Promise<LeaseAnswer | CliFailure> {
    const { signal } = this.#options;
    const first = await this.#deadline.untilAnswered(() => getLease(this.#settings, id, 0, { signal }));
    const latest = first instanceof Refusal || first instanceof CliFailure ? first : await this.#untilDecided(first);
    return latest instanceof Refusal || latest instanceof CliFailure ? failureOf(latest) : latest;
  }

  /** A lease that is granted when nobody wants it any more is given back. */
  async #releaseIfStopped(latest: LeaseAnswer): Promise<LeaseAnswer | CliFailure> {
    if (!this.#options.signal.aborted) return latest;
    await releaseLease(this.#settings, latest.lease.id, latest.lease.fence);
    return refused("stopped while it waited for the lease");
  }

  /** Asks once more, to be latest by the refusal who stands in the way. */
  async #requestOnce(request: LeaseRequest, wait_ms: number): Promise<LeaseAnswer | CliFailure> {
    const outcome = await requestLease(this.#settings, request, {});
    if (!(outcome instanceof Refusal || outcome instanceof CliFailure)) return outcome;
    const { exit, message } = failureOf(outcome);
    return new CliFailure(exit, `no lease within ${formatDuration(wait_ms)}: ${message}`);
  }
}

/** A lease, waited for in queueing for at most `wait_ms`. It leaves the queueing when it has not got it by then. */
export async function waitForLease(
  settings: Settings,
  request: LeaseRequest,
  options: LeaseWaitOptions,
): Promise<LeaseAnswer | CliFailure> {
  return await new LeaseWaiter(settings, options).acquire(request);
}

/** A lease that was asked for before, as soon as it does not wait any more, or after `wait_ms`. */
export async function watchLease(settings: Settings, id: string, wait_ms: number): Promise<LeaseAnswer | CliFailure> {
  const { signal } = new AbortController();
  return await new LeaseWaiter(settings, { wait_ms, staysQueued: true, signal }).watch(id);
}
