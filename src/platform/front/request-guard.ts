/**
 * Checks `Host`, `Origin` and the bearer token of every REST and WebSocket request. Also limits how fast tokens can be
 * guessed. Pure, except for its own state, the clock and the name of the machine. Runs on the front.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Config } from "../../../schemas/config.js";
import { CI_ACTOR } from "../../../schemas/evidence.js";
import { isSessionId } from "../../../schemas/session-id.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import { crypto } from "../../base/crypto.js";
import type { Log } from "../../base/log.js";
import { isLoopback, isWildcard, parseAddress } from "../config/address.js";
import { NOT_YOUR_SESSION } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import { ANONYMOUS, type Actors, type Caller } from "./caller.js";
import { PausedFailure } from "./paused.js";
import { TokenThrottle } from "./token-throttle.js";

/**
 * The maximum number of cached results for `Host` and `Origin` values. The cache helps because a client sends the same
 * values in each request.
 */
const REMEMBERED_VALUES_MAX = 256;

const MISDIRECTED = new Failure("MISDIRECTED", "this server does not answer to that Host (see --allow-host)");
const FOREIGN_ORIGIN = new Failure(
  "PERMISSION_DENIED",
  "requests from that Origin are not allowed (see --allow-origin)",
);
export const UNAUTHENTICATED = new Failure("UNAUTHENTICATED", "invalid or missing bearer token");

/** The instance and the session for which a request claims to act. A member is "" if the request does not claim one. */
export interface Claims {
  readonly instance: string;
  readonly session: string;
}

/**
 * Returns the claims in the headers of a request. A malformed session id counts as absent here; header-rules.ts refuses
 * it later.
 */
export function claimsOf(head: { header(name: string): string }): Claims {
  const session = head.header("x-koor-session");
  return { instance: head.header("x-koor-instance"), session: isSessionId(session) ? session : "" };
}

/** The properties of a request that decide how its wrong token is handled. */
export interface Attempt {
  /** The sender of the request. Its `peer`, the address of the client's socket, is read only when it is needed. */
  readonly from: { readonly peer: string };
  /** Whether a wrong token counts as a guess. It does not count if the request will be authenticated again. */
  readonly counts: boolean;
}

function sha256(text: string): Buffer {
  return crypto().hash("sha256", text, "buffer");
}

/**
 * Returns the host of `host:port` or `[v6]:port`. The result is in lower case, without brackets and without a final
 * dot.
 */
function hostName(header: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header);
  return (match?.[1] ?? match?.[2] ?? "").toLowerCase().replace(/\.$/, "");
}

export class RequestGuard {
  readonly #token: Buffer | null;
  readonly #ciToken: Buffer | null;
  readonly #hosts: ReadonlySet<string>;
  readonly #anyLiteral: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #throttle: TokenThrottle;
  readonly #log: Log;
  readonly #knownHosts = new Map<string, boolean>();
  readonly #knownOrigins = new Map<string, boolean>();

  /** @param ports the server's ports. An Origin with any other port is not the server's own. */
  constructor(config: Config, ports: { readonly portNumbers: readonly number[] }, clock: Clock, log: Log) {
    this.#throttle = new TokenThrottle(clock);
    this.#log = log;
    // The token is compared by its digest. All digests have the same length, so the time of the comparison reveals
    // nothing about the token's length.
    this.#token = config.auth_token === "" ? null : sha256(config.auth_token);
    this.#ciToken = config.ci_token === "" ? null : sha256(config.ci_token);
    const binds = [config.bind, config.dashboard_bind].flatMap((bind) => parseAddress(bind) ?? []);
    this.#anyLiteral = binds.some(({ host }) => isWildcard(host));
    const hosts = new Set(["localhost", "127.0.0.1", "::1", ...config.allow_host.map((host) => hostName(host))]);
    for (const { host } of binds) if (!isWildcard(host)) hosts.add(host.toLowerCase());
    if (this.#anyLiteral) hosts.add(hostname().toLowerCase());
    this.#hosts = hosts;
    this.#origins = new Set(config.allow_origin.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
    this.#ports = ports;
  }

  readonly #ports: { readonly portNumbers: readonly number[] };

  /** Whether the server checks tokens at all. */
  get guarded(): boolean {
    return this.#token !== null;
  }

  /** Returns null if `Host` names this server, otherwise the 421 failure. */
  checkHost(host: string): Failure | null {
    const known = this.#knownHosts.get(host);
    if (known !== undefined) return known ? null : MISDIRECTED;
    const name = hostName(host);
    const allowed =
      this.#hosts.has(name) ||
      name.endsWith(".localhost") ||
      /^127\.\d+\.\d+\.\d+$/.test(name) ||
      (this.#anyLiteral && isIP(name) !== 0);
    remember(this.#knownHosts, host, allowed);
    return allowed ? null : MISDIRECTED;
  }

  /**
   * Checks the request's `Origin`. Returns null if the header is absent, or if its origin is allowed or the server's
   * own; else the 403 failure.
   * @param host the request's `Host`, which `checkHost` has accepted
   */
  checkOrigin(origin: string, host: string): Failure | null {
    if (origin === "") return null;
    const pair = `${host} ${origin}`;
    const known = this.#knownOrigins.get(pair);
    if (known !== undefined) return known ? null : FOREIGN_ORIGIN;
    const allowed = this.#origins.has(origin.toLowerCase()) || this.#isOwn(origin, host);
    remember(this.#knownOrigins, pair, allowed);
    return allowed ? null : FOREIGN_ORIGIN;
  }

  /**
   * Returns the caller that the headers of a request identify. An instance's own token identifies that instance, or the
   * instance of a session that began with this token. For any other token, the caller is the one that the headers
   * claim. Fails with UNAUTHENTICATED if a valid token is needed and missing. Fails with TOO_MANY_ATTEMPTS if the token
   * was not checked, because too many wrong tokens came from the client's address. Fails with PERMISSION_DENIED if the
   * session began with the token of another instance.
   */
  identify(authorization: string, claims: Claims, actors: Actors, attempt: Attempt): Caller | Failure {
    const token = authorization === "" ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    const owner = token === undefined ? undefined : this.#ownerOfBearer(token, actors, attempt);
    if (owner instanceof Failure) return owner;
    if (owner?.role === "ci") return owner;
    if (owner?.role === "server") return claimedCaller("server", claims, actors);
    if (owner !== undefined) return this.#ownerWithSession(owner, claims, actors);
    if (this.#token !== null) return UNAUTHENTICATED;
    return hasClaim(claims) ? claimedCaller("nobody", claims, actors) : ANONYMOUS;
  }

  /**
   * Returns the caller that an instance's token identifies. If the request claims a session, it is the instance of that
   * session. Otherwise it is the instance that owns the token. An unknown session counts as absent.
   */
  #ownerWithSession(owner: Caller, claims: Claims, actors: Actors): Caller | Failure {
    const session = claims.session === "" || claims.instance !== "" ? undefined : actors.ofSession(claims.session);
    if (session === undefined) return owner;
    if (this.guarded && session.owner !== owner.actor) return NOT_YOUR_SESSION;
    return actors.touchId(session.id) ? { ...owner, actor: session.id, tokenOwner: owner.actor } : owner;
  }

  /**
   * Returns the owner of the token with which a client logs in; undefined if the token is wrong. If the owner is an
   * instance, records that it was seen. If the client's address is paused, returns the 429 failure, even for a valid
   * token.
   */
  ownerOf(token: string, actors: Actors, peer: string): Caller | Failure | undefined {
    const refusal = this.#refusePaused(peer);
    if (refusal !== null) return refusal;
    const digest = sha256(token);
    const owner = this.#instanceOf(digest, actors) ?? this.#serverOf(digest);
    if (owner === undefined) this.#recordWrong(peer, null);
    return owner;
  }

  /**
   * Like `ownerOf`, but for a bearer token. A paused address may still use an instance's token: such a token is too
   * long to guess, and many agents may share the address. The token of a recently deleted instance does not count as a
   * guess.
   */
  #ownerOfBearer(token: string, actors: Actors, attempt: Attempt): Caller | Failure | undefined {
    const digest = sha256(token);
    const instance = this.#instanceOf(digest, actors);
    if (instance !== undefined || this.#token === null) return instance;
    const refusal = this.#throttle.pauses ? this.#refusePaused(attempt.from.peer) : null;
    if (refusal !== null) return refusal;
    const server = this.#serverOf(digest) ?? this.#ciOf(digest);
    const hex = digest.toString("hex");
    if (server === undefined && attempt.counts && !actors.hadToken(hex)) this.#recordWrong(attempt.from.peer, hex);
    return server;
  }

  #serverOf(digest: Buffer): Caller | undefined {
    const isServer = this.#token !== null && crypto().timingSafeEqual(digest, this.#token);
    return isServer ? { role: "server", actor: "" } : undefined;
  }

  /** Returns CI as the caller if the token is CI's token. CI acts for no instance, whatever its headers claim. */
  #ciOf(digest: Buffer): Caller | undefined {
    const isCi = this.#ciToken !== null && crypto().timingSafeEqual(digest, this.#ciToken);
    return isCi ? { role: "ci", actor: CI_ACTOR } : undefined;
  }

  /**
   * Finds an instance by the digest of its token. The time of the lookup reveals nothing about a token, because a
   * client without the token cannot choose any byte of the digest.
   */
  #instanceOf(digest: Buffer, actors: Actors): Caller | undefined {
    const id = actors.size === 0 ? undefined : actors.touchToken(digest.toString("hex"));
    return id === undefined ? undefined : { role: "instance", actor: id };
  }

  #refusePaused(peer: string): Failure | null {
    const pauseMs = this.#throttle.pauseOf(peer);
    if (pauseMs === 0) return null;
    const seconds = Math.ceil(pauseMs / SECOND_MS);
    return new PausedFailure(seconds, `too many wrong tokens: wait ${seconds} seconds`);
  }

  #recordWrong(peer: string, digest: string | null): void {
    if (this.#throttle.recordWrong(peer, digest))
      this.#log.warn("tokens and log-ins are refused for a while", { address: peer });
  }

  #isOwn(origin: string, host: string): boolean {
    const match = /^https?:\/\/([^/]+)$/i.exec(origin);
    if (match === null) return false;
    const authority = match[1] ?? "";
    const port =
      /:(\d+)$/.exec(authority.replace(/^\[[^\]]*\]/, ""))?.[1] ?? (origin.startsWith("https") ? "443" : "80");
    if (!this.#ports.portNumbers.includes(Number(port)) || this.checkHost(authority) !== null) return false;
    // A server that is bound to all addresses does not know its own addresses. So an IP address in the Origin must
    // equal the one in `Host`. An equal port is not enough, because a page on another machine may use the same port.
    const name = hostName(authority);
    return isIP(name) === 0 || this.#hosts.has(name) || isLoopback(name) || name === hostName(host);
  }
}

/** Returns whether a request claims to act for an instance. */
export function hasClaim({ instance, session }: Claims): boolean {
  return instance !== "" || session !== "";
}

/**
 * Returns the caller that a request claims to be. Its actor is the claimed instance, if that instance is registered. If
 * no instance is claimed, the actor is the instance of the claimed session.
 */
export function claimedCaller(role: Caller["role"], { instance, session }: Claims, actors: Actors): Caller {
  if (instance !== "")
    return actors.touchId(instance) ? { role, actor: instance } : { role, actor: "", unknown: instance };
  if (session === "") return { role, actor: "" };
  const { id = "" } = actors.ofSession(session) ?? {};
  return id !== "" && actors.touchId(id) ? { role, actor: id } : { role, actor: "", unknownSession: session };
}

function remember(known: Map<string, boolean>, value: string, allowed: boolean): void {
  if (known.size >= REMEMBERED_VALUES_MAX) known.clear();
  known.set(value, allowed);
}
