/**
 * Limits the open connections, so that file descriptors are left for the server's threads and files. Without
 * descriptors the server can neither read its database nor start a thread. One limit is for the connections of clients,
 * on all ports together. A client's connection beyond this limit is closed at once. The other limit is for connections
 * to other servers. Beyond it, the server opens no further connection. Runs on the front, and does not depend on the
 * HTTP library.
 */
export class ConnectionLimit {
  readonly #connectionsMax: number;
  readonly #onRefused: () => void;
  #open = 0;

  /** @param onRefused called for each connection beyond the limit */
  constructor(connectionsMax: number, onRefused: () => void = () => undefined) {
    this.#connectionsMax = connectionsMax;
    this.#onRefused = onRefused;
  }

  /** The number of open connections. */
  get open(): number {
    return this.#open;
  }

  /**
   * Counts a new connection. Returns false if it must be closed. In both cases the caller must call `leave` when the
   * connection has closed.
   */
  enter(): boolean {
    this.#open += 1;
    if (this.#open <= this.#connectionsMax) return true;
    this.#onRefused();
    return false;
  }

  /** Counts a closed connection. */
  leave(): void {
    this.#open -= 1;
  }
}

/** How many connections of each kind may be open at once. */
export interface ConnectionShares {
  readonly clientsMax: number;
  /** The limit of connections to other servers. */
  readonly outboundMax: number;
}

/**
 * Computes the limits of connections from the limit of file descriptors.
 * @param descriptors the limit of descriptors, and how many are open before any port is open; null if there is no limit
 * @param ownMax the maximum number of descriptors that the server opens for itself: threads, handles, files
 * @param outboundMax the maximum number of connections to other servers
 */
export function connectionShares(
  descriptors: { readonly max: number; readonly open: number } | null,
  ownMax: number,
  outboundMax: number,
): ConnectionShares {
  if (descriptors === null) return { clientsMax: Number.POSITIVE_INFINITY, outboundMax };
  const left = Math.max(0, descriptors.max - descriptors.open);
  // Outbound connections get at most a sixth of the descriptors. So even if they all hang, most descriptors are left
  // for the clients and the server.
  const outbound = Math.min(outboundMax, Math.max(1, Math.floor(left / 6)));
  // Clients get at least a third of the descriptors. If there are few descriptors, some jobs may then fail, but a
  // server that accepts no connection would be useless.
  return { clientsMax: Math.max(1, left - ownMax - outbound, Math.floor(left / 3)), outboundMax: outbound };
}
