/**
 * The servers of a cluster, where several are given: which is asked next, and up to where in the cluster's log this
 * user has seen. Runs in the command line's process; what is remembered from one process to the next is
 * position-file.ts's, the requests are failover.ts's.
 */
import { CLI_SERVER_KEPT_MS } from "../schemas/limits.js";

/** Answers of a clustered server say how far in the log it was; a request, how far it must be. */
export const POSITION_HEADER = "x-koor-position";
export const AFTER_HEADER = "X-Koor-After";

/** What one process leaves to the next. */
export interface ClientState {
  readonly position: number;
  /** The server to begin with, in place of those before it which did not answer. */
  readonly begin?: { readonly server: string; readonly until_ms: number };
  /** Servers that knew a log which was given up, and were not well: until they are, what they answer is of before. */
  readonly doubted?: readonly string[];
}

/** Where that is saved; neither of the two throws. */
export interface ClientStateStore {
  read(): ClientState | undefined;
  write(state: ClientState): void;
}

/** A position as a header says it; undefined where it says none. */
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
  /** Where there is a store, that one has them. */
  #untrusted: readonly string[] = [];

  /** @param openStore called once, before the first request */
  constructor(servers: readonly [URL, ...URL[]], openStore: () => Promise<ClientStateStore | undefined>) {
    this.servers = servers;
    this.#openStore = openStore;
  }

  /** Reads what an earlier process has left; to be awaited before a server is chosen. */
  async open(): Promise<void> {
    this.#opened ??= this.#load();
    await this.#opened;
  }

  async #load(): Promise<void> {
    this.#store = await this.#openStore();
    const begin = this.#store?.read()?.begin;
    const at = this.servers.findIndex(({ href }) => href === begin?.server);
    const now_ms = Date.now();
    // A clock that was set back must not make it a choice for ever.
    if (begin === undefined || at < 0 || begin.until_ms < now_ms || begin.until_ms > now_ms + CLI_SERVER_KEPT_MS)
      return;
    this.#at = at;
    this.#begin_until_ms = begin.until_ms;
  }

  /** The server that is asked next. */
  get current(): URL {
    return this.servers[this.#at] ?? this.servers[0];
  }

  /** All of them, the current one first. */
  candidates(): URL[] {
    return [...this.servers.slice(this.#at), ...this.servers.slice(0, this.#at)];
  }

  /** This one did not do: the next one is the current one, unless another call has left it already. */
  moveOnFrom(server: URL): void {
    if (server !== this.current) return;
    this.#at = (this.#at + 1) % this.servers.length;
    this.#begin_until_ms = 0;
  }

  /** In place of the current one, which did not do, this one is asked next. */
  switchTo(server: URL): void {
    if (server === this.current) return;
    this.#at = Math.max(0, this.servers.indexOf(server));
    this.#begin_until_ms = 0;
  }

  /** Whether it knew a log that was given up, and was not well since. */
  isUntrusted(server: URL): boolean {
    return this.#listUntrusted().includes(server.href);
  }

  /** A server that was doubted is well. */
  trust(server: URL): void {
    this.#position = this.position;
    this.#write(this.#listUntrusted().filter((href) => href !== server.href));
  }

  /** The newest position that this process or another one has seen; 0 where none has. */
  get position(): number {
    this.#position = Math.max(this.#position, this.#store?.read()?.position ?? 0);
    return this.#position;
  }

  /** This server has answered; others before it may not have. One that is doubted says nothing of the log. */
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
   * What was seen is not in the log any more: it is begun anew from this position.
   * @param untrusted those that still know the log of before
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
