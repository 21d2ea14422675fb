/**
 * Serves the session routes of the dashboard: the current session, log-in and log-out. It also finds the session of a
 * cookie, which authenticates requests to the dashboard's port. Runs on the front.
 */
import { DASHBOARD_ACTOR, type SessionAnswer } from "../../../schemas/sessions.js";
import { VERSION } from "../../../schemas/version.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import type { Actors, Caller } from "../../platform/front/caller.js";
import { isOwnPage, NOT_OWN_PAGE } from "../../platform/front/dashboard-auth.js";
import type { RequestGuard } from "../../platform/front/request-guard.js";
import { JSON_TYPE } from "../../platform/front/reply.js";
import type { Answer, Reply, Request } from "../../platform/front/route.js";
import { isOfServer } from "../../platform/outbound/user-agent.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { headerBlock } from "../../platform/transport/reply.js";
import type { Session, SessionRegistry } from "./session-registry.js";
import { endSessions, openSession } from "./commands.js";
import { clearCookie, cookieName, cookieValues, keepCookie } from "./cookie.js";

export interface SessionFrontOptions {
  readonly book: SessionRegistry;
  readonly writer: Writer;
  readonly guard: RequestGuard;
  readonly actors: Actors;
  readonly instances: { get(id: string): { readonly name: string } | undefined };
  /** `dashboardPort` is the port on which the dashboard listens. */
  readonly ports: { readonly dashboardPort: number };
  /** Whether other machines can reach the server although it requires no token. */
  readonly exposed: boolean;
  readonly stale_after_ms: number;
  readonly clock: Clock;
  readonly log: Log;
}

type SessionCall<Header extends string, Json = unknown> = Pick<
  Request<readonly string[], unknown, Header, Json>,
  "caller" | "headers" | "json" | "peer"
>;

const OF_SERVER = new Failure("PERMISSION_DENIED", "a server of Koor may not log in");
const INVALID_TOKEN = new Failure("UNAUTHENTICATED", "invalid token");

export class SessionFront {
  readonly #options: SessionFrontOptions;

  constructor(options: SessionFrontOptions) {
    this.#options = options;
  }

  /** Finds the session of a `Cookie` header; undefined if the header has no valid session cookie. */
  find(cookies: string): Session | undefined {
    return this.#lookUp(cookies)?.session;
  }

  /** Answers with the current session. If the caller used a session cookie, also renews it. */
  show({ caller, headers: { cookie } }: SessionCall<"cookie">): Reply {
    const found = this.#lookUp(cookie);
    const renews = found !== undefined && found.session.caller === caller;
    return this.#answer(caller, renews ? [keepCookie(this.#cookie, found.value, found.session.row.secure)] : []);
  }

  /**
   * Logs in with the server's token or an instance's token. If the request has a session cookie, the old session ends.
   */
  async logIn({
    caller,
    headers: { cookie, origin, host, "user-agent": userAgent },
    json: { token },
    peer,
  }: SessionCall<"cookie" | "origin" | "host" | "user-agent", { readonly token: string }>): Promise<Answer> {
    const { book, writer, guard, actors, log } = this.#options;
    // Reject a log-in from a page of another site. Otherwise that page could log the user in as a different user (login
    // CSRF).
    if (origin !== "" && !isOwnPage(origin, host)) return NOT_OWN_PAGE;
    // An agent can make a server send this request, with a live test of a contract. It would guess tokens from the
    // address of the server, and so pause the log-ins and the bearer tokens of that address.
    if (isOfServer(userAgent)) return OF_SERVER;
    if (!guard.guarded) return this.#answer(caller, []);
    const owner = guard.ownerOf(token, actors, peer);
    if (owner === undefined) return INVALID_TOKEN;
    if (owner instanceof Failure) return owner;
    const { value, row } = book.begin(owner.actor, /^https:/i.test(origin));
    const before = this.find(cookie);
    const ends = [...new Set([...book.idsToEvict(), ...(before === undefined ? [] : [before.row.id])])];
    const { id, proof, instance, secure } = row;
    const reply = await writer.request(openSession, { id, proof, instance, secure, ends }, NO_CALLER);
    if (reply instanceof Failure) return reply;
    book.remove(ends);
    const session = book.add(row);
    log.info("logged in", { role: owner.role, instance });
    return this.#answer(session.caller, [keepCookie(this.#cookie, value, secure)]);
  }

  /**
   * Ends the session if the caller has one. The end is stored before the answer, so the session stays ended after a
   * restart.
   */
  async logOut({ caller, headers: { cookie } }: SessionCall<"cookie">): Promise<Answer> {
    const { book, writer, log } = this.#options;
    const session = this.find(cookie);
    if (session !== undefined && session.caller === caller) {
      const ids = [session.row.id];
      const reply = await writer.request(endSessions, { ids }, NO_CALLER);
      if (reply instanceof Failure) return reply;
      book.remove(ids);
      log.info("logged out", { role: caller.role, instance: session.row.instance });
    }
    return sessionReply({ logged_out: true }, [clearCookie(this.#cookie)]);
  }

  get #cookie(): string {
    return cookieName(this.#options.ports.dashboardPort);
  }

  #lookUp(cookies: string): { readonly value: string; readonly session: Session } | undefined {
    if (cookies === "") return undefined;
    for (const value of cookieValues(cookies, this.#cookie)) {
      const session = this.#options.book.find(value);
      if (session !== undefined) return { value, session };
    }
    return undefined;
  }

  #answer({ role, actor }: Caller, cookies: readonly string[]): Reply {
    const { guard, instances, exposed, stale_after_ms } = this.#options;
    const answer: SessionAnswer = {
      auth: guard.guarded,
      logged_in: !guard.guarded || role !== "nobody",
      role,
      // A caller with the server's token as its bearer token has no actor. It counts as the user of the dashboard.
      actor: actor === "" && role === "server" ? DASHBOARD_ACTOR : actor,
      name: instances.get(actor)?.name ?? "",
      exposed,
      version: VERSION,
      stale_after_ms,
    };
    return sessionReply(answer, cookies);
  }
}

function sessionReply(answer: object, cookies: readonly string[]): Reply {
  const headers = headerBlock([
    JSON_TYPE,
    ["Cache-Control", "no-store"],
    ...cookies.map((cookie) => ["Set-Cookie", cookie] as const),
  ]);
  return { status: 200, headers, body: `${JSON.stringify(answer)}\n` };
}
