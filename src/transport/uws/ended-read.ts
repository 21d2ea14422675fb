/**
 * Keeps requests from being executed behind a body that was refused in the middle of a read. To stop the calls for such
 * a body at once, its answer is completed there. The library then skips the rest of the body, and closes the connection
 * when it has parsed the read. But a request that comes in the same read would be handed over, and a proxy may have
 * taken it for a part of the body. The library parses a read in one piece, so until it reports the end of that
 * connection each request from the same address is taken for such a one. Runs on the front.
 */
class EndedRead {
  /** The address of the connection; null if there is none. */
  #peer: string | null = null;

  /**
   * Marks the connection whose read is being parsed.
   * @param peer its address
   */
  begin(peer: string): void {
    this.#peer = peer;
    // A client that does not take its answer is not closed with the read. The next reads belong to others.
    setImmediate(() => this.end());
  }

  /** The library has closed a connection. */
  end(): void {
    this.#peer = null;
  }

  /** Whether a request belongs to the read. */
  covers(peerOf: () => string): boolean {
    return this.#peer !== null && this.#peer === peerOf();
  }
}

/** Of all ports: they share one thread, and its reads come one after the other. */
export const endedRead = new EndedRead();
