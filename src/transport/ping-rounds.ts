/**
 * Pings the sockets of a port in rounds. A peer that has sent nothing since the last round is cut off. Pure except for
 * its timer.
 */
import { SUBSCRIBER_IDLE_TIMEOUT_S } from "../../schemas/limits.js";
import { SECOND_MS } from "../../shared/duration.js";

/** Two rounds without a sign from the peer end its connection. */
const PING_INTERVAL_MS = (SUBSCRIBER_IDLE_TIMEOUT_S * SECOND_MS) / 2;

export interface Pinged {
  /** Pings the peer, or cuts it off if it has sent nothing since the last ping. */
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
