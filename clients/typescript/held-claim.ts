/**
 * Keeps a lease or the claim of a task alive, and fires a signal before another instance can get it. The server ends a
 * claim if it gets no renewal for `ttl_s`. The client does not know when the server received a renewal. But it knows
 * when it sent the renewal, which was earlier. So the client counts the time from the sending of the last answered
 * renewal. It reads two clocks, and uses the one on which more time has passed: the monotonic clock may stand still
 * while the machine sleeps, and the wall clock may be set back. After a SIGSTOP, a process runs its timers late,
 * possibly after other work. So the signal itself checks the clocks each time its `aborted` is read.
 */
import { pauseMs } from "./back-off.js";
import { ForbiddenError, LeaseLostError, NotFoundError } from "./errors.js";

/**
 * The safety margin, as a fraction of the claim's time. The client counts a claim as lost before its time is over,
 * because the server's clock may run faster. The margin is at most MARGIN_MS_MAX.
 */
const MARGIN_PART = 0.1;
const MARGIN_MS_MAX = 5000;
/** The client renews a claim after this fraction of its time. */
const RENEW_PART = 1 / 3;
/**
 * The maximum time between two checks of the clocks, in ms. A timer alone is not enough, because it stands still while
 * the machine sleeps.
 */
const LOOK_MS_MAX = 1000;

/** A point in time, on both clocks. */
export class Moment {
  readonly #monotonicMs = performance.now();
  readonly #wallMs = Date.now();

  elapsedMs(): number {
    return Math.max(performance.now() - this.#monotonicMs, Date.now() - this.#wallMs);
  }
}

export interface Claim {
  readonly ttlMs: number;
  /** The maximum time of the claim, in ms. Renewals do not extend it. */
  readonly maxMs: number;
  /**
   * The time at which the client sent the last answered request for the claim: the one that granted it, or a renewal.
   */
  readonly heardAt: Moment;
  /** A time before the grant of the claim. The client counts `maxMs` from this time. */
  readonly grantedAfter: Moment;
  /** Renews the claim. Fails with LeaseLostError if the claim has ended. */
  readonly renew: (timeoutMs: number) => Promise<void>;
}

export class HeldClaim {
  readonly #claim: Claim;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  #heardAt: Moment;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;
  #state: "held" | "lost" | "ended" = "held";

  constructor(claim: Claim) {
    this.#claim = claim;
    this.#heardAt = claim.heardAt;
    this.#signal = lookingSignal(this.#controller.signal, () => this.#look());
    this.#scheduleLook();
    this.#scheduleRenewal(this.#claim.ttlMs * RENEW_PART);
  }

  /** A signal that fires when the claim is lost, or when `abort` is called. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Whether the claim was lost. */
  get isLost(): boolean {
    this.#look();
    return this.#state === "lost";
  }

  /** Fires the signal for another reason. The claim is still held and renewed. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Stops the renewals. The caller must then release the claim. */
  end(): void {
    if (this.#state === "held") this.#state = "ended";
    this.#stop();
  }

  #lose(error: LeaseLostError): void {
    if (this.#state !== "held") return;
    this.#state = "lost";
    this.#stop();
    this.#controller.abort(error);
  }

  #stop(): void {
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#renewTimer);
  }

  /** Returns the time in ms for which the claim is certainly still held. */
  #leftMs(): number {
    const { ttlMs, maxMs, grantedAfter } = this.#claim;
    const leftOf = (timeMs: number, since: Moment): number =>
      timeMs - Math.min(MARGIN_MS_MAX, timeMs * MARGIN_PART) - since.elapsedMs();
    return Math.min(leftOf(ttlMs, this.#heardAt), leftOf(maxMs, grantedAfter));
  }

  #look(): void {
    if (this.#state === "held" && this.#leftMs() <= 0)
      this.#lose(new LeaseLostError("the lease was not renewed in time, or its max_s is over"));
  }

  #scheduleLook(): void {
    this.#lookTimer = setTimeout(
      () => {
        this.#look();
        if (this.#state === "held") this.#scheduleLook();
      },
      Math.min(LOOK_MS_MAX, Math.max(0, this.#leftMs())),
    );
  }

  #scheduleRenewal(timeMs: number, attempt = 0): void {
    this.#renewTimer = setTimeout(() => void this.#renew(attempt), timeMs);
  }

  async #renew(attempt: number): Promise<void> {
    this.#look();
    if (this.#state !== "held") return;
    const sentAt = new Moment();
    try {
      await this.#claim.renew(Math.max(1, this.#leftMs()));
      // If the claim was lost before this answer arrived, the answer does not restore it.
      this.#look();
      if (this.#state !== "held") return;
      this.#heardAt = sentAt;
      this.#scheduleRenewal(this.#claim.ttlMs * RENEW_PART);
    } catch (error) {
      if (error instanceof LeaseLostError) this.#lose(error);
      else if (error instanceof NotFoundError || error instanceof ForbiddenError)
        this.#lose(new LeaseLostError(error.message, { cause: error }));
      this.#look();
      if (this.#state === "held")
        this.#scheduleRenewal(Math.min(pauseMs(attempt), this.#claim.ttlMs * RENEW_PART), attempt + 1);
    }
  }
}

/** Overrides `aborted` and `throwIfAborted` of a signal, so that they check the clocks (`look`) first. */
function lookingSignal(signal: AbortSignal, look: () => void): AbortSignal {
  const isAborted = (): boolean => {
    look();
    return Reflect.get(AbortSignal.prototype, "aborted", signal);
  };
  return Object.defineProperties(signal, {
    aborted: { get: isAborted },
    throwIfAborted: {
      value: () => {
        if (isAborted()) throw signal.reason;
      },
    },
  });
}
