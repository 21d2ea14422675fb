/**
 * Pings the sockets of a port in rounds: a peer that gave no sign of life since the last round is cut. Runs while there
 * may be sockets. Pure but for its timer.
 */
import { SUBSCRIBER_IDLE_TIMEOUT_S } from "../../schemas/limits.js";

const SECOND_MS = 1_000;
/** A peer may have been heard just before one round, and is cut in the second after it. */
const PING_INTERVAL_MS = (SUBSCRIBER_IDLE_TIMEOUT_S * SECOND_MS) / 2;

export interface Pinged {
  /** Pings the peer, or cuts it where it gave no sign of life since the last time. */
  check(): void;
}

export class PingRounds {
  readonly #sockets: ReadonlySet<Pinged>;
  #timer: NodeJS.Timeout | null = null;

  constructor(sockets: ReadonlySet<Pinged>) {
    this.#sockets = sockets;
  }

  begin(): void {
    this.#timer ??= setInterval(() => {
      for (const socket of [...this.#sockets]) socket.check();
    }, PING_INTERVAL_MS).unref();
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
