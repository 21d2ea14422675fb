/**
 * Tracks the servers of a cluster: which one to ask next, and the newest log position that this user has seen.
 * position-file.ts stores both for later processes. failover.ts sends the requests. Runs in the CLI process.
 */
import { CLI_SERVER_KEPT_MS } from "../schemas/limits/cli.js";

/** The header with which a server of a cluster reports its log position. */
export const POSITION_HEADER = "x-koor-position";
/**
 * The header in which a request demands a log position. A server waits until it has reached the position. If that takes
 * too long, it refuses the request.
 */
export const AFTER_HEADER = "X-Koor-After";

/** The state that a process stores for later processes. Its members are those of the stored file. */
export interface ClientState {
  readonly position: number;
  /**
   * The server that commands ask first, until the given time. It is set if the servers before it in the list did not
   * answer.
   */
  readonly begin?: { readonly server: string; readonly until_ms: number };
  /**
   * The untrusted servers. Each had a log that the cluster has abandoned, so its answers are stale until it is healthy
   * again. The member keeps an old name, because other versions of the program read it.
   */
  readonly doubted?: readonly string[];
}

/** Stores the client state. Neither method throws. */
export interface ClientStateStore {
  read(): ClientState | undefined;
  write(state: ClientState): void;
}

/** Returns the log position in a header; undefined if the header is absent or malformed. */
export function parsePosition(text: string | readonly string[] | undefined): number | undefined {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export class Cluster {
  readonly servers: readonly [URL, ...URL[]];
  readonly #openStore: () => Promise<ClientStateStore | undefined>;
  #store: ClientStateStore | undefined;
  #opened: Promise<void> | undefined;
  #at = 0;
  #beginUntilMs = 0;
  #position = 0;
  /** The untrusted servers, if no state is stored. Otherwise the stored state has the list. */
  #untrusted: readonly string[] = [];

  /** @param openStore opens the stored state; called once, before the first request */
  constructor(servers: readonly [URL, ...URL[]], openStore: () => Promise<ClientStateStore | undefined>) {
    this.servers = servers;
    this.#openStore = openStore;
  }

  /** Loads the state that an earlier process stored. Must be awaited before a server is chosen. */
  async open(): Promise<void> {
    this.#opened ??= this.#load();
    await this.#opened;
  }

  async #load(): Promise<void> {
    this.#store = await this.#openStore();
    const begin = this.#store?.read()?.begin;
    const at = this.servers.findIndex(({ href }) => href === begin?.server);
    const nowMs = Date.now();
    // Ignore a time that is too far in the future. The clock was set back in the meantime, so the stored choice would
    // last too long.
    if (begin === undefined || at < 0 || begin.until_ms < nowMs || begin.until_ms > nowMs + CLI_SERVER_KEPT_MS) return;
    this.#at = at;
    this.#beginUntilMs = begin.until_ms;
  }

  /** The server to ask next. */
  get current(): URL {
    return this.servers[this.#at] ?? this.servers[0];
  }

  /** Returns all servers, beginning with the current one. */
  candidates(): URL[] {
    return [...this.servers.slice(this.#at), ...this.servers.slice(0, this.#at)];
  }

  /**
   * Makes the next server the current one, because `server` has failed. Does nothing if another call has already moved
   * on.
   */
  moveOnFrom(server: URL): void {
    if (server !== this.current) return;
    this.#at = (this.#at + 1) % this.servers.length;
    this.#beginUntilMs = 0;
  }

  /** Makes `server` the current one, because the previous one has failed. */
  switchTo(server: URL): void {
    if (server === this.current) return;
    this.#at = Math.max(0, this.servers.indexOf(server));
    this.#beginUntilMs = 0;
  }

  /** Whether the server had a log that the cluster has abandoned, and has not been healthy since then. */
  isUntrusted(server: URL): boolean {
    return this.#listUntrusted().includes(server.href);
  }

  /** Trusts a server again, because it is healthy. */
  trust(server: URL): void {
    this.#position = this.position;
    this.#write(this.#listUntrusted().filter((href) => href !== server.href));
  }

  /** The newest log position that this process or an earlier one has seen; 0 if there is none. */
  get position(): number {
    this.#position = Math.max(this.#position, this.#store?.read()?.position ?? 0);
    return this.#position;
  }

  /**
   * Records that this server has answered. If it is not the first in the list, later commands begin with it for a
   * while. Ignores the answer of an untrusted server.
   */
  recordAnswer(server: URL, position: number | undefined): void {
    if (this.isUntrusted(server)) return;
    const known = this.#store?.read();
    const newest = Math.max(this.#position, known?.position ?? 0, position ?? 0);
    const at = this.servers.indexOf(server);
    const isNewChoice = at !== 0 && at === this.#at && this.#beginUntilMs === 0;
    if (isNewChoice) this.#beginUntilMs = Date.now() + CLI_SERVER_KEPT_MS;
    this.#position = newest;
    if (newest > (known?.position ?? 0) || isNewChoice) this.#write();
  }

  /**
   * Sets the log position back. This is needed if the cluster was started again with a log that ends before the
   * position.
   * @param untrusted the servers that still have the previous log
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
    const begin = { server: this.current.href, until_ms: this.#beginUntilMs };
    this.#store?.write({
      position: this.#position,
      ...(this.#beginUntilMs === 0 ? {} : { begin }),
      ...(untrusted.length === 0 ? {} : { doubted: untrusted }),
    });
  }
}
