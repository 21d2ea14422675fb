/**
 * The state machine of a client that keeps a connection to a feed of the server. Such clients are the command
 * `events subscribe` and the feeds of the dashboard. The machine decides when the client connects again, and what the
 * client shows meanwhile. It has no timer and no socket. event-cursor.ts stores the event after which the next
 * connection continues.
 *
 *     off ──connecting──▶ connecting ──opened──▶ live
 *                             │                  │  ▲
 *                           failed      failed,  │  │ opened
 *                             │         closed   ▼  │
 *                             └───────────▶ reconnecting ◀─┐
 *                                                └─failed──┘
 *
 * `paused` leads to `off` from every state. A client that was live before then continues with "reconnecting" instead of
 * "connecting".
 */
import { retryDelayMs, type RetryDelays } from "./retry-delay.js";

/** The state that the client shows. It is `off` before the first attempt, and while the client needs no connection. */
export type LinkState = "off" | "connecting" | "live" | "reconnecting";

export interface ReconnectOptions extends RetryDelays {
  /** The number of servers that the client tries in turn. The delay doubles whenever all of them have failed. */
  readonly servers?: number;
  readonly random?: () => number;
}

/**
 * Returns whether a status reports a temporary problem: too many requests, a timeout, or a restart of the server or its
 * proxy. After any other status except a success, the same request would be refused again.
 */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

export class Reconnect {
  readonly #options: ReconnectOptions;
  #state: LinkState = "off";
  #failures = 0;
  #wasLive = false;
  #lostMs: number | null = null;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The number of attempts in a row that failed. It is zero while there is a connection. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the client has had a connection. If so, it must fetch the missed events when the next connection opens. */
  get wasLive(): boolean {
    return this.#wasLive;
  }

  /**
   * When the connection was lost, or when the first attempt failed, in ms of the caller's clock. Null while there is a
   * connection, and before the first attempt.
   */
  get lostMs(): number | null {
    return this.#lostMs;
  }

  /** Whether every server has failed since the last connection. */
  get allFailed(): boolean {
    return this.#failures >= this.#servers;
  }

  /** How many rounds of attempts have failed, rounded up. A round is one attempt at each server. */
  get rounds(): number {
    return Math.ceil(this.#failures / this.#servers);
  }

  /** The delay before the next attempt, in ms. Half of it is random, so each call returns another value. */
  get delayMs(): number {
    return retryDelayMs(this.rounds, this.#options, this.#options.random);
  }

  /** Records that an attempt to connect begins. */
  connecting(): void {
    if (this.#state === "off") this.#state = this.#wasLive ? "reconnecting" : "connecting";
  }

  /** Records that the attempt succeeded. */
  opened(): void {
    this.#state = "live";
    this.#failures = 0;
    this.#wasLive = true;
    this.#lostMs = null;
  }

  /** Records that the client or the server closed the connection, if there was one. */
  closed(nowMs: number): void {
    if (this.#state === "live") this.#lose(nowMs);
  }

  /** Records that the attempt failed, or that the connection was lost. */
  failed(nowMs: number): void {
    this.#failures += 1;
    this.#lose(nowMs);
  }

  /** Records that the client needs no connection for now. */
  paused(): void {
    this.#state = "off";
    this.#failures = 0;
  }

  /**
   * Records that the client needs no connection any more. A later connection counts as the first one, so the client
   * need not fetch missed events.
   */
  forget(): void {
    this.paused();
    this.#wasLive = false;
    this.#lostMs = null;
  }

  get #servers(): number {
    return this.#options.servers ?? 1;
  }

  #lose(nowMs: number): void {
    this.#state = "reconnecting";
    this.#lostMs ??= nowMs;
  }
}
