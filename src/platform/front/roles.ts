/**
 * Authorizes callers: refuses unknown instances, and callers whose token does not suffice for the route. Also decides
 * which instance is the author of stored data. Pure.
 */
import { needsInstance, noInstance, noSession } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import type { Caller } from "./caller.js";
import type { Answer, Request, Route } from "./route.js";

const NEEDS_SERVER = new Failure("PERMISSION_DENIED", "this needs the server token");
const NOT_FOR_CI = new Failure(
  "PERMISSION_DENIED",
  "the token of CI may only report and read evidence, and make tasks",
);
const NEEDS_OWN = new Failure("PERMISSION_DENIED", "this needs the server token, or the token of that instance");

/**
 * Whether a caller may make every call, because it has the server's token or the server checks no tokens.
 * @param guarded whether the server checks tokens at all
 */
export function mayAll(guarded: boolean, { role }: Pick<Caller, "role">): boolean {
  return !guarded || (role !== "instance" && role !== "ci");
}

/**
 * Returns the 403 failure if the caller's token does not suffice for the route; else null.
 * @param guarded whether the server checks tokens at all
 */
export function refuseRole(
  guarded: boolean,
  { needs, forCi, open }: Route,
  caller: Caller,
  params: readonly string[],
): Failure | null {
  if (caller.role === "ci") return forCi === true || open === true ? null : NOT_FOR_CI;
  if (needs === undefined || mayAll(guarded, caller)) return null;
  if (needs === "server") return NEEDS_SERVER;
  return params[0] === caller.actor || params[0] === tokenOwnerOf(caller) ? null : NEEDS_OWN;
}

/**
 * Returns the author of the data that a call stores. With an instance's token, the author is always that instance. With
 * any other token, it is the author that the body names, or else the call's actor.
 * @param guarded whether the server checks tokens at all
 * @param given the author that the body names
 */
export function authorOf(
  guarded: boolean,
  { caller, context }: Pick<Request, "caller" | "context">,
  given: string | undefined,
): string {
  return mayAll(guarded, caller) ? (given ?? context.actor) : caller.actor;
}

/**
 * Whether a call of this route may change something. Such a call is refused if its instance id is unknown, for example
 * mistyped, because the change would have no actor.
 */
export function mayWrite({ method, asksOnly, needs, countedAs }: Route): boolean {
  // A message to /mcp counts as a read here. The route that its tool calls makes this check again.
  if (method === "GET" || countedAs === "mcp") return false;
  return asksOnly !== true || needs === "own instance";
}

/**
 * If a call was refused because it needs an instance, and it has named an unknown session, the answer becomes the 404
 * that names the session. All other calls are executed as if they had named no session. The reason: an agent's shell
 * always names its session, even if no hook has begun the session.
 */
export function nameUnknownSession(answer: Answer, { unknownSession }: Caller): Answer {
  if (unknownSession === undefined || !(answer instanceof Failure) || !needsInstance(answer)) return answer;
  return noSession(unknownSession);
}

/** Returns the id of the instance that owns the caller's token; "" if the caller has the server's token or none. */
export function tokenOwnerOf({ role, actor, tokenOwner = actor }: Caller): string {
  return role === "instance" ? tokenOwner : "";
}

/** Returns the 404 failure for a write that claims an unregistered instance; null for any other call. */
export function refuseUnknown(route: Route, { unknown }: Caller): Failure | null {
  return unknown !== undefined && mayWrite(route) ? noInstance(unknown) : null;
}
