/**
 * Authenticates the requests of both ports, and watches whether a caller's access ends during its call. Host and Origin
 * are checked first. The API's port accepts bearer tokens, `X-Koor-Instance` and `X-Koor-Session`
 * (request-guard.ts). The dashboard's port also accepts session cookies (dashboard-auth.ts). Runs on the front.
 */
import type { AccessEnd } from "../../base/access-end.js";
import { Failure } from "../../base/result.js";
import type { Call } from "./call.js";
import { ANONYMOUS, type Actors, type Caller } from "./caller.js";
import type { DashboardAuth } from "./dashboard-auth.js";
import { claimsOf, hasClaim, type RequestGuard } from "./request-guard.js";
import { refuseUnknown } from "./roles.js";

export interface AuthenticatorOptions {
  readonly guard: RequestGuard;
  /** Authenticates requests of the dashboard's port. */
  readonly dashboardAuth: DashboardAuth;
  readonly actors: Actors;
}

/** Options for the authentication of a request. */
export interface AuthMode {
  /** Whether the route needs no token. */
  readonly open: boolean;
  /**
   * Whether the request is a CORS preflight. Browsers send a preflight without a token, to ask whether a page of
   * another site may send the real request.
   */
  readonly preflight?: boolean;
  /**
   * Whether this is the last time that a deferred request is authenticated. A wrong token counts as a guess only at
   * this time.
   */
  readonly final?: boolean;
}

/** The parts of a call whose access can end: its session, and its caller's token. */
type Access = Pick<Call, "session" | "caller">;

export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Returns the caller of a request, or the failure that refuses it. Also sets the call's origin and session. If the
   * request was deferred, reads the headers from the copy that was saved before the wait.
   */
  authenticate(call: Call, mode: AuthMode): Caller | Failure {
    const caller = this.#identify(call, mode);
    return caller instanceof Failure ? caller : (refuseUnknown(call.bound.route, caller) ?? caller);
  }

  /**
   * Refuses a request whose `Host` names another server, or whose `Origin` is a page of another site. Returns null for
   * any other request.
   */
  refuseForeign(call: Call): Failure | null {
    const { guard } = this.#options;
    const head = call.deferral?.head ?? call.exchange;
    const host = head.header("host");
    const origin = head.header("origin");
    const refusal = guard.checkHost(host) ?? guard.checkOrigin(origin, host);
    if (refusal === null) call.origin = origin;
    return refusal;
  }

  /**
   * Whether the caller's access can end while the call is running. It ends if the caller's session ends or its token is
   * revoked.
   */
  mayEnd({ session, caller }: Access): boolean {
    return session !== null || (this.#options.guard.guarded && caller.role === "instance");
  }

  /** Whether the caller's access has ended since it was checked. */
  hasEnded(access: Access): boolean {
    if (!this.mayEnd(access)) return false;
    return access.session?.ended ?? !this.#options.actors.has(access.caller.actor);
  }

  /**
   * Calls the listener when the call's access ends. May be called only if `mayEnd` is true. Returns a function that
   * removes the listener.
   */
  onEnd({ session, caller }: Access, listener: (end: AccessEnd) => void): () => void {
    if (session !== null) return session.onEnd(listener);
    return this.#options.actors.onRevoked(caller.actor, () => listener("revoked"));
  }

  #identify(call: Call, { open, preflight = false, final = false }: AuthMode): Caller | Failure {
    const { guard, actors } = this.#options;
    const head = call.deferral?.head ?? call.exchange;
    const refusal = this.refuseForeign(call);
    if (refusal !== null) return refusal;
    // A deferred request is authenticated twice, before and after its wait. Its wrong token must count as only one
    // guess, so it counts after the wait.
    const counts = call.deferral === null || final;
    if (call.port === "dashboard" && !preflight) return this.#identifyOnDashboard(call, open, counts);
    if (open) return ANONYMOUS;
    const claims = claimsOf(head);
    // If no token is required and no instance is registered, there is no caller to look up.
    if (!hasClaim(claims) && !guard.guarded && actors.size === 0) return ANONYMOUS;
    return guard.identify(head.header("authorization"), claims, actors, { from: head, counts });
  }

  #identifyOnDashboard(call: Call, open: boolean, counts: boolean): Caller | Failure {
    const { exchange, origin, upgrades } = call;
    const head = call.deferral?.head ?? exchange;
    const host = head.header("host");
    const result = this.#options.dashboardAuth.enter(head, { host, origin, open, upgrades, counts });
    if (result instanceof Failure) return result;
    call.session = result.session;
    return result.caller;
  }
}
