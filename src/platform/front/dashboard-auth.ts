/**
 * Authenticates requests of the dashboard's port, after the request guard has checked Host and Origin. A bearer token
 * works as on the API's port. A request without a token is authenticated by its session cookie, but only if the
 * dashboard's own page has sent it. The reason: browsers also send the cookie with requests from pages on other ports
 * of this host. This file also declares the interface of the sessions. Runs on the front.
 */
import { DASHBOARD_ACTOR } from "../../../schemas/sessions.js";
import { Failure } from "../../base/result.js";
import type { Exchange } from "../transport/transport.js";
import type { WatchAccess } from "./access.js";
import { ANONYMOUS, type Actors, type Caller } from "./caller.js";
import { claimedCaller, claimsOf, hasClaim, UNAUTHENTICATED, type RequestGuard } from "./request-guard.js";

/** The parts of a request that authentication reads. */
export type RequestHead = Pick<Exchange, "header" | "verb" | "peer">;

export interface Session {
  readonly caller: Caller;
  readonly ended: boolean;
  readonly onEnd: WatchAccess;
}

export interface DashboardAuthOptions {
  readonly guard: RequestGuard;
  readonly actors: Actors;
  /** Finds the session of a `Cookie` header. */
  readonly sessions: { find(cookies: string): Session | undefined };
}

/** A request to authenticate. */
export interface AuthRequest {
  readonly host: string;
  /** The `Origin` that the request guard has accepted; "" if the request has none. */
  readonly origin: string;
  /** Whether the route needs no token. */
  readonly open: boolean;
  /** Whether the request asks for an upgrade to WebSocket. */
  readonly upgrades: boolean;
  /** Whether a wrong token counts as a guess. */
  readonly counts: boolean;
}

/** The caller of an authenticated request. */
export interface AuthResult {
  readonly caller: Caller;
  /**
   * The session that authenticated the request; null if a token authenticated it, or if it needed no authentication.
   */
  readonly session: Session | null;
}

const OTHER_SITE = new Failure("PERMISSION_DENIED", "pages of other sites and other ports may not ask here");
export const NOT_OWN_PAGE = new Failure(
  "PERMISSION_DENIED",
  "with a session's cookie this needs the Origin of the dashboard's own page",
);
const BEARER = /^bearer +\S/i;

export class DashboardAuth {
  readonly #options: DashboardAuthOptions;

  constructor(options: DashboardAuthOptions) {
    this.#options = options;
  }

  /**
   * Returns the caller of a request, or the failure that refuses it. The failure is 403 if the request is not from the
   * dashboard's own page, and 401 if it has no valid token or session.
   */
  enter(exchange: RequestHead, { host, origin, open, upgrades, counts }: AuthRequest): AuthResult | Failure {
    const { guard, actors, sessions } = this.#options;
    const authorization = exchange.header("authorization");
    // A request from a page of another site needs a bearer token. Such a page can send one only if a CORS preflight has
    // allowed it. Another scheme of `Authorization`, such as Basic, does not suffice, because a plain link can contain
    // its credentials.
    if (!BEARER.test(authorization) && isOfOtherSite(exchange.header("sec-fetch-site"))) return OTHER_SITE;
    if (authorization !== "" || !guard.guarded) {
      const caller = guard.identify(authorization, claimsOf(exchange), actors, { from: exchange, counts });
      if (caller instanceof Failure) return open ? { caller: ANONYMOUS, session: null } : caller;
      return { caller: authorization === "" ? namedCaller(caller) : caller, session: null };
    }
    const session = sessions.find(exchange.header("cookie"));
    if (session === undefined) return open ? { caller: ANONYMOUS, session: null } : UNAUTHENTICATED;
    const reads = !upgrades && (exchange.verb === "get" || exchange.verb === "head");
    if (!(reads && origin === "") && !isOwnPage(origin, host)) return NOT_OWN_PAGE;
    const claims = claimsOf(exchange);
    // The session's own routes compare the caller with that of the session.
    if (open || session.caller.role !== "server" || !hasClaim(claims)) return { caller: session.caller, session };
    return { caller: namedCaller(claimedCaller("server", claims, actors)), session };
  }
}

/**
 * Returns a caller of the dashboard's port without a token. If it names no registered instance, it is the dashboard.
 */
function namedCaller(caller: Caller): Caller {
  return caller.actor === "" ? { ...caller, actor: DASHBOARD_ACTOR } : caller;
}

/** Whether the page with this Origin was served by the host in `Host`. */
export function isOwnPage(origin: string, host: string): boolean {
  const match = /^(https?):\/\/([^/]+)$/i.exec(origin);
  if (match === null) return false;
  const [, scheme = "", authority = ""] = match;
  const known = scheme.toLowerCase() === "https" ? /:443$/ : /:80$/;
  return authority.toLowerCase().replace(known, "") === host.toLowerCase().replace(known, "");
}

/**
 * Whether `Sec-Fetch-Site` says that the request comes from another site. Browsers send this header only over TLS or to
 * their own machine. If the header is absent, the caller checks the Origin instead.
 */
function isOfOtherSite(site: string): boolean {
  return site !== "" && site !== "same-origin" && site !== "none";
}
