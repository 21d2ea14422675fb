/**
 * Tracks the servers of a cluster if several are configured: the server to ask next, and the newest log position that
 * this user has seen. position-file.ts persists both between processes, and failover.ts sends the requests. Runs in the
 * CLI process.
 */
import { CLI_SERVER_KEPT_MS } from "../schemas/limits.js";

/**
 * A clustered server reports its log position in the first header. A request demands a minimum position with the
 * second.
 */
export const POSITION_HEADER = "x-koor-position";
export const AFTER_HEADER = "X-Koor-After";

/** The state that one process leaves to the next, as it is stored in the file. */
export interface ClientState {
  readonly position: number;
  /** The server to start with until this time, because servers before it in the list did not answer. */
  readonly begin?: { readonly server: string; readonly until_ms: number };
  /**
   * The untrusted servers: they know a log that was given up, and were not healthy. Their answers are stale until they
   * are healthy. The name stays because other versions of the command line read it.
   */
  readonly doubted?: readonly string[];
}

/** Persists the client state. Neither method throws. */
export interface ClientStateStore {
  read(): ClientState | undefined;
  write(state: ClientState): void;
}

/** Parses the position of a header; undefined if there is none. */
export function parsePosition(text: string | readonly string[] | undefined): number | undefined {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export class Cluster {
  readonly servers: readonly [URL, ...URL[]];
  readonly #openStore: () => Promise<ClientStateStore | undefined>;
  #store: ClientStateStore | undefined;
  #opened: Promise<void> | undefined;
  #at = 0;
  #begin_until_ms = 0;
  #position = 0;
  /** Used only without a store; otherwise the store has the list. */
  #untrusted: readonly string[] = [];

  /** @param openStore called once, before the first request */
  constructor(servers: readonly [URL, ...URL[]], openStore: () => Promise<ClientStateStore | undefined>) {
    this.servers = servers;
    this.#openStore = openStore;
  }

  /** Loads the state of an earlier process. It must be awaited before a server is chosen. */
  async open(): Promise<void> {
    this.#opened ??= this.#load();
    await this.#opened;
  }

  async #load(): Promise<void> {
    this.#store = await this.#openStore();
    const begin = this.#store?.read()?.begin;
    const at = this.servers.findIndex(({ href }) => href === begin?.server);
    const now_ms = Date.now();
    // If the clock was set back, the stored choice must not hold forever.
    if (begin === undefined || at < 0 || begin.until_ms < now_ms || begin.until_ms > now_ms + CLI_SERVER_KEPT_MS)
      return;
    this.#at = at;
    this.#begin_until_ms = begin.until_ms;
  }

  /** The server to ask next. */
  get current(): URL {
    return this.servers[this.#at] ?? this.servers[0];
  }

  /** All servers, the current one first. */
  candidates(): URL[] {
    return [...this.servers.slice(this.#at), ...this.servers.slice(0, this.#at)];
  }

  /** Moves on to the next server after this one failed, unless another call has moved on already. */
  moveOnFrom(server: URL): void {
    if (server !== this.current) return;
    this.#at = (this.#at + 1) % this.servers.length;
    this.#begin_until_ms = 0;
  }

  /** Makes this server the current one, in place of one that failed. */
  switchTo(server: URL): void {
    if (server === this.current) return;
    this.#at = Math.max(0, this.servers.indexOf(server));
    this.#begin_until_ms = 0;
  }

  /** Whether the server knew a log that was given up, and has not been healthy since. */
  isUntrusted(server: URL): boolean {
    return this.#listUntrusted().includes(server.href);
  }

  /** Removes a server that is healthy again from the untrusted ones. */
  trust(server: URL): void {
    this.#position = this.position;
    this.#write(this.#listUntrusted().filter((href) => href !== server.href));
  }

  /** The newest position that this or another process has seen; 0 if there is none. */
  get position(): number {
    this.#position = Math.max(this.#position, this.#store?.read()?.position ?? 0);
    return this.#position;
  }

  /**
   * Records that this server answered, though servers before it may not have. The position of an untrusted server is
   * ignored.
   */
  recordAnswer(server: URL, position: number | undefined): void {
    if (this.isUntrusted(server)) return;
    const known = this.#store?.read();
    const newest = Math.max(this.#position, known?.position ?? 0, position ?? 0);
    const at = this.servers.indexOf(server);
    const is_new_choice = at !== 0 && at === this.#at && this.#begin_until_ms === 0;
    if (is_new_choice) this.#begin_until_ms = Date.now() + CLI_SERVER_KEPT_MS;
    this.#position = newest;
    if (newest > (known?.position ?? 0) || is_new_choice) this.#write();
  }

  /**
   * Sets the position back, because the log was started again and ends before the previous position.
   * @param untrusted the servers that still know the previous log
   */
  resetPosition(position: number, untrusted: readonly URL[]): void {
    this.#position = position;
    this.#write(untrusted.map(({ href }) => href));
  }

  #listUntrusted(): readonly string[] {
    const known = this.#store?.read();
    return known === undefined ? this.#untrusted : (known.doubted ?? []);
  }

  #write(untrusted: readonly string[] = this.#listUntrusted()): void {
    this.#untrusted = untrusted;
    const begin = { server: this.current.href, until_ms: this.#begin_until_ms };
    this.#store?.write({
      position: this.#position,
      ...(this.#begin_until_ms === 0 ? {} : { begin }),
      ...(untrusted.length === 0 ? {} : { doubted: untrusted }),
    });
  }
}
