/**
 * Pings the sockets of a port at a fixed interval. If a peer has sent nothing since the last ping, its connection is
 * cut. Pure except for its timer.
 */
import { SUBSCRIBER_IDLE_TIMEOUT_S } from "../../../schemas/limits/events.js";
import { SECOND_MS } from "../../../shared/duration.js";

/** A connection is cut after two intervals without data from its peer. */
const PING_INTERVAL_MS = (SUBSCRIBER_IDLE_TIMEOUT_S * SECOND_MS) / 2;

export interface Pinged {
  /** Pings the peer. If the peer has sent nothing since the last ping, cuts the connection instead. */
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
