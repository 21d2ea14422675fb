/** The WebSocket topics of a server, without sockets. Pure. */
import type { Broadcaster } from "../../src/platform/transport/transport.js";

export class FakeBroadcaster implements Broadcaster {
  readonly #sockets: number;

  /** @param sockets the number of sockets that each topic reports */
  constructor(sockets = 0) {
    this.#sockets = sockets;
  }

  *publish(): Generator<number, number, undefined> {
    yield 0;
    return this.#sockets;
  }
}
