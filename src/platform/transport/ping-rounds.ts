/**
 * Pings the sockets of a port at a fixed interval. If a peer has sent nothing since the last ping, its connection is
 * cut. The pings of many sockets are spread over several event-loop ticks. Pure except for its timers.
 */
import { PINGS_PER_TICK, SUBSCRIBER_IDLE_TIMEOUT_S } from "../../../schemas/limits/events.js";
import { SECOND_MS } from "../../../shared/duration.js";

/** A connection is cut after two intervals without data from its peer. */
const PING_INTERVAL_MS = (SUBSCRIBER_IDLE_TIMEOUT_S * SECOND_MS) / 2;

export interface Pinged {
  /** Pings the peer. If the peer has sent nothing since the last ping, cuts the connection instead. */
  check(): void;
}

export class PingRounds {
  readonly #sockets: ReadonlySet<Pinged>;
  readonly #later: (run: () => void) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param later calls the function in the next event-loop tick */
  constructor(sockets: ReadonlySet<Pinged>, later: (run: () => void) => void = setImmediate) {
    this.#sockets = sockets;
    this.#later = later;
  }

  begin(): void {
    this.#timer ??= setInterval(() => this.check(), PING_INTERVAL_MS).unref();
  }

  /** Checks all sockets that are open now. */
  check(): void {
    this.#check([...this.#sockets]);
  }

  #check(sockets: readonly Pinged[]): void {
    for (const socket of sockets.slice(0, PINGS_PER_TICK)) if (this.#sockets.has(socket)) socket.check();
    const rest = sockets.slice(PINGS_PER_TICK);
    if (rest.length > 0) this.#later(() => this.#check(rest));
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
