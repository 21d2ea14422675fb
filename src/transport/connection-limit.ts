/**
 * How many connections of clients there may be on all ports together, so that the server keeps descriptors for its
 * threads, files and calls: one that has none left can neither read its database nor start a thread. What is beyond the
 * limit is closed at once. Runs on the front; knows no library.
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

/**
 * How many connections of clients leave the server what it may need.
 * @param descriptors what is open before any port is; null where there is no limit
 * @param own_max what the server opens besides at most: threads, handles, files, calls of other servers
 */
export function connectionsMax(
  descriptors: { readonly max: number; readonly open: number } | null,
  own_max: number,
): number {
  if (descriptors === null) return Number.POSITIVE_INFINITY;
  const left = Math.max(0, descriptors.max - descriptors.open);
  // Where there are few, jobs are refused now and then; a server that takes no connection is of no use.
  return Math.max(1, left - own_max, Math.floor(left / 3));
}
