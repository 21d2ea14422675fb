/**
 * Who may come in: `Host`, `Origin` and the bearer token, checked once for every route, REST and
 * WebSocket alike. Pure but for the machine's own name. Runs on the front.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Config } from "../../schemas/config.js";
import { crypto } from "../base/crypto.js";
import { isLoopback, isWildcard, parseAddress } from "../config/address.js";
import { Failure } from "../base/result.js";
import { NOBODY, type Actors, type Caller } from "./caller.js";

/** Verdicts on `Host` and `Origin` values that are remembered; a client sends the same ones for ever. */
const REMEMBERED_VALUES_MAX = 256;

const MISDIRECTED = new Failure("MISDIRECTED", "this server does not answer to that Host (see --allow-host)");
const FOREIGN_ORIGIN = new Failure(
  "PERMISSION_DENIED",
  "requests from that Origin are not allowed (see --allow-origin)",
);
export const UNAUTHENTICATED = new Failure("UNAUTHENTICATED", "invalid or missing bearer token");

function sha256(text: string): Buffer {
  return crypto().createHash("sha256").update(text).digest();
}

/** `host:port` or `[v6]:port` without its port, in lower case and without brackets or a root dot. */
function hostName(header: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header);
  return (match?.[1] ?? match?.[2] ?? "").toLowerCase().replace(/\.$/, "");
}

export class Gate {
  readonly #token: Buffer | null;
  readonly #hosts: ReadonlySet<string>;
  readonly #any_literal: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #known_hosts = new Map<string, boolean>();
  readonly #known_origins = new Map<string, boolean>();

  /** @param ports those that really listen: an Origin is the server's own only with one of them. */
  constructor(config: Config, ports: { readonly port_numbers: readonly number[] }) {
    // Digests have one length, so that comparing them tells nothing of the token's.
    this.#token = config.auth_token === "" ? null : sha256(config.auth_token);
    const binds = [config.bind, config.dashboard_bind].flatMap((bind) => parseAddress(bind) ?? []);
    this.#any_literal = binds.some(({ host }) => isWildcard(host));
    const hosts = new Set(["localhost", "127.0.0.1", "::1", ...config.allow_host.map((host) => hostName(host))]);
    for (const { host } of binds) if (!isWildcard(host)) hosts.add(host.toLowerCase());
    if (this.#any_literal) hosts.add(hostname().toLowerCase());
    this.#hosts = hosts;
    this.#origins = new Set(config.allow_origin.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
    this.#ports = ports;
  }

  readonly #ports: { readonly port_numbers: readonly number[] };

  /** Whether a token is needed at all. */
  get guarded(): boolean {
    return this.#token !== null;
  }

  /** Null where `Host` names this server. */
  checkHost(host: string): Failure | null {
    const known = this.#known_hosts.get(host);
    if (known !== undefined) return known ? null : MISDIRECTED;
    const name = hostName(host);
    const allowed =
      this.#hosts.has(name) ||
      name.endsWith(".localhost") ||
      /^127\.\d+\.\d+\.\d+$/.test(name) ||
      (this.#any_literal && isIP(name) !== 0);
    remember(this.#known_hosts, host, allowed);
    return allowed ? null : MISDIRECTED;
  }

  /**
   * Null where there is no `Origin`, or it is this server's own or an allowed one.
   * @param host the request's `Host`, which was checked
   */
  checkOrigin(origin: string, host: string): Failure | null {
    if (origin === "") return null;
    const pair = `${host} ${origin}`;
    const known = this.#known_origins.get(pair);
    if (known !== undefined) return known ? null : FOREIGN_ORIGIN;
    const allowed = this.#origins.has(origin.toLowerCase()) || this.#isOwn(origin, host);
    remember(this.#known_origins, pair, allowed);
    return allowed ? null : FOREIGN_ORIGIN;
  }

  /**
   * Who calls, by the `Authorization` and `X-Koor-Instance` headers; UNAUTHENTICATED where a token is needed
   * and this is none. An instance's own token says who it is; only without one its word is taken for it.
   */
  identify(authorization: string, claimed: string, actors: Actors): Caller | Failure {
    const token = authorization === "" ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    const owner = token === undefined ? undefined : this.ownerOf(token, actors);
    if (owner?.role === "server") return claimedCaller("server", claimed, actors);
    if (owner !== undefined) return owner;
    if (this.#token !== null) return UNAUTHENTICATED;
    return claimed === "" ? NOBODY : claimedCaller("nobody", claimed, actors);
  }

  /** Whose token it is; undefined where nobody has it. A sign of life of an instance whose own it is. */
  ownerOf(token: string, actors: Actors): Caller | undefined {
    const digest = sha256(token);
    if (this.#token !== null && crypto().timingSafeEqual(digest, this.#token)) return { role: "server", actor: "" };
    // Found by its digest, of which a stranger can choose no byte: how long that takes tells nothing of any token.
    const id = actors.size === 0 ? undefined : actors.seeToken(digest.toString("hex"));
    return id === undefined ? undefined : { role: "instance", actor: id };
  }

  #isOwn(origin: string, host: string): boolean {
    const match = /^https?:\/\/([^/]+)$/i.exec(origin);
    if (match === null) return false;
    const authority = match[1] ?? "";
    const port =
      /:(\d+)$/.exec(authority.replace(/^\[[^\]]*\]/, ""))?.[1] ?? (origin.startsWith("https") ? "443" : "80");
    if (!this.#ports.port_numbers.includes(Number(port)) || this.checkHost(authority) !== null) return false;
    // Any address may be this machine's where it is bound to all of them: then only a page that came from
    // where its request goes to is the server's own, not one of another machine that uses the same port.
    const name = hostName(authority);
    return isIP(name) === 0 || this.#hosts.has(name) || isLoopback(name) || name === hostName(host);
  }
}

/** A caller that acts as the instance whose id it claims, where one is registered. */
function claimedCaller(role: Caller["role"], claimed: string, actors: Actors): Caller {
  if (claimed === "") return { role, actor: "" };
  return actors.seeId(claimed) ? { role, actor: claimed } : { role, actor: "", unknown: claimed };
}

function remember(known: Map<string, boolean>, value: string, allowed: boolean): void {
  if (known.size >= REMEMBERED_VALUES_MAX) known.clear();
  known.set(value, allowed);
}
