/**
 * The door of the dashboard's port, behind Host and Origin, which are the gate's: a bearer is asked as on the API's
 * port; without one the session's cookie counts, for what the dashboard's own page sends. Browsers send cookies with
 * what pages of any port of the host ask for, so a cookie alone proves nothing. Sessions are given to it as what is
 * asked of them here. Runs on the front.
 */
import { DASHBOARD_ACTOR } from "../../schemas/sessions.js";
import { Failure } from "../base/result.js";
import type { Exchange } from "../transport/transport.js";
import type { WatchAccess } from "./access.js";
import { ANONYMOUS, type Actors, type Caller } from "./caller.js";
import { UNAUTHENTICATED, type RequestGuard } from "./request-guard.js";

/** What of a request says who calls. */
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

/** What is known of a request that comes to the door. */
export interface AuthRequest {
  readonly host: string;
  /** Checked by the gate; "" where it named none. */
  readonly origin: string;
  /** Its route needs nobody to be known. */
  readonly open: boolean;
  /** Asks for an upgrade to WebSocket. */
  readonly upgrades: boolean;
  /** Whether a wrong token counts as a guess. */
  readonly counts: boolean;
}

/** Who came in. */
export interface AuthResult {
  readonly caller: Caller;
  /** By which session; null where by none. */
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

  /** Who calls, or why they may not: 403 for what is not the page's own, 401 for who is nobody. */
  enter(exchange: RequestHead, { host, origin, open, upgrades, counts }: AuthRequest): AuthResult | Failure {
    const { guard, actors, sessions } = this.#options;
    const authorization = exchange.header("authorization");
    // No page can have a bearer sent without having asked first. Other schemes a link can bring along.
    if (!BEARER.test(authorization) && isOfOtherSite(exchange.header("sec-fetch-site"))) return OTHER_SITE;
    if (authorization !== "" || !guard.guarded) {
      const claimed = exchange.header("x-koor-instance");
      const caller = guard.identify(authorization, claimed, actors, { from: exchange, counts });
      if (caller instanceof Failure) return open ? { caller: ANONYMOUS, session: null } : caller;
      const nameless = authorization === "" && caller.actor === "";
      return { caller: nameless ? { ...caller, actor: DASHBOARD_ACTOR } : caller, session: null };
    }
    const session = sessions.find(exchange.header("cookie"));
    if (session === undefined) return open ? { caller: ANONYMOUS, session: null } : UNAUTHENTICATED;
    const reads = !upgrades && (exchange.verb === "get" || exchange.verb === "head");
    if (!(reads && origin === "") && !isOwnPage(origin, host)) return NOT_OWN_PAGE;
    return { caller: session.caller, session };
  }
}

/** Whether an Origin is that of the page that the Host itself has sent. */
export function isOwnPage(origin: string, host: string): boolean {
  const match = /^(https?):\/\/([^/]+)$/i.exec(origin);
  if (match === null) return false;
  const [, scheme = "", authority = ""] = match;
  const known = scheme.toLowerCase() === "https" ? /:443$/ : /:80$/;
  return authority.toLowerCase().replace(known, "") === host.toLowerCase().replace(known, "");
}

/** Browsers say so of what they send to this machine or over TLS; where they do not, there is the Origin. */
function isOfOtherSite(site: string): boolean {
  return site !== "" && site !== "same-origin" && site !== "none";
}
