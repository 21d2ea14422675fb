/**
 * How many connections there may be at once, of clients on all ports together or to other servers, so that the server
 * keeps descriptors for its threads and files: one that has none left can neither read its database nor start a thread.
 * What comes beyond the limit is closed at once, and no connection is begun beyond it. Runs on the front; knows no
 * library.
 */
export class ConnectionLimit {
  readonly #connections_max: number;
  readonly #onRefused: () => void;
  #open = 0;

  /** @param onRefused told of each connection that is not taken */
  constructor(connections_max: number, onRefused: () => void = () => undefined) {
    this.#connections_max = connections_max;
    this.#onRefused = onRefused;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open;
  }

  /** A connection came. False where it is to be closed; either way its end has to be told (`leave`). */
  enter(): boolean {
    this.#open += 1;
    if (this.#open <= this.#connections_max) return true;
    this.#onRefused();
    return false;
  }

  /** A connection was closed. */
  leave(): void {
    this.#open -= 1;
  }
}

/** How many connections there may be at once. */
export interface ConnectionShares {
  readonly clients_max: number;
  /** To other servers. */
  readonly outbound_max: number;
}

/**
 * How many connections leave the server what it may need.
 * @param descriptors what is open before any port is; null where there is no limit
 * @param own_max what the server opens besides at most: threads, handles, files
 * @param outbound_max how many connections to other servers there are at most
 */
export function connectionShares(
  descriptors: { readonly max: number; readonly open: number } | null,
  own_max: number,
  outbound_max: number,
): ConnectionShares {
  if (descriptors === null) return { clients_max: Number.POSITIVE_INFINITY, outbound_max };
  const left = Math.max(0, descriptors.max - descriptors.open);
  // What hangs at other servers leaves the clients, and the server itself, the most of it.
  const outbound = Math.min(outbound_max, Math.max(1, Math.floor(left / 6)));
  // Where there are few, jobs are refused now and then; a server that takes no connection is of no use.
  return { clients_max: Math.max(1, left - own_max - outbound, Math.floor(left / 3)), outbound_max: outbound };
}
