/**
 * Keeps a lease or the claim of a task alive, and fires a signal before another instance can get it.
 *
 * The server ends a claim when it has not heard from the holder for `ttl_s`. The client cannot know when the server
 * heard it, but not before the client sent the request. So the time counts from the sending of the last renewal that
 * was answered, by two clocks: the monotonic one may stand still while the machine sleeps, and the wall clock may be
 * set back. The later of the two counts.
 *
 * A process that was stopped by SIGSTOP runs the timers late, possibly after other work. So the signal looks at the
 * clocks itself, each time that it is asked whether it is aborted.
 */
import { pauseMs } from "./back-off.js";
import { ForbiddenError, LeaseLostError, NotFoundError } from "./errors.js";

/** This part of a claim's time is kept back, for a server whose clock runs faster; at most MARGIN_MS_MAX. */
const MARGIN_PART = 0.1;
const MARGIN_MS_MAX = 5000;
/** A claim is renewed after this part of its time. */
const RENEW_PART = 1 / 3;
/** The clocks are compared at least this often, because a timer stands still while the machine sleeps. */
const LOOK_MS_MAX = 1000;

/** A time, by both clocks. */
export class Moment {
  readonly #monotonicMs = performance.now();
  readonly #wallMs = Date.now();

  elapsedMs(): number {
    return Math.max(performance.now() - this.#monotonicMs, Date.now() - this.#wallMs);
  }
}

export interface Claim {
  readonly ttlMs: number;
  /** The longest time of the claim, which renewals do not extend. */
  readonly maxMs: number;
  /** When the request was sent that got the claim or renewed it. */
  readonly heardAt: Moment;
  /** A time before the claim was granted. */
  readonly grantedAfter: Moment;
  /** Renews the claim. Fails with LeaseLostError if it is over. */
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

  /** Fires when the claim is lost, or when `abort` is called. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Whether the claim was lost. */
  get isLost(): boolean {
    this.#look();
    return this.#state === "lost";
  }

  /** Fires the signal for another reason; the claim is still held and renewed. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Stops the renewals. The caller then gives the claim back. */
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

  /** The time for which the claim is certainly still held, in ms. */
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
      // An answer that comes too late does not give the claim back.
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

/** Makes a signal call `look` before it says whether it is aborted. */
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
