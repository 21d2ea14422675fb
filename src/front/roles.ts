/**
 * Authorizes callers. Refuses unknown instances, and tokens that do not suffice for a route. Decides which instance
 * counts as the author of stored data. Pure.
 */
import { noInstance } from "../base/needs-instance.js";
import { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import type { Request, Route } from "./route.js";

const NEEDS_SERVER = new Failure("PERMISSION_DENIED", "this needs the server token");
const NEEDS_OWN = new Failure("PERMISSION_DENIED", "this needs the server token, or the token of that instance");

/**
 * Whether a caller may make every call: it has the server's token, or the server does not check tokens.
 * @param guarded whether the server checks tokens at all
 */
export function mayAll(guarded: boolean, { role }: Pick<Caller, "role">): boolean {
  return !guarded || role !== "instance";
}

/**
 * Returns the 403 failure for a caller whose token does not suffice for the route; null if it does.
 * @param guarded whether the server checks tokens at all
 */
export function refuseRole(
  guarded: boolean,
  { needs }: Route,
  caller: Caller,
  params: readonly string[],
): Failure | null {
  if (needs === undefined || mayAll(guarded, caller)) return null;
  if (needs === "server") return NEEDS_SERVER;
  return params[0] === caller.actor ? null : NEEDS_OWN;
}

/**
 * Returns the author of the data that a call stores, if the body may name one. With an instance's token, the author is
 * always that instance. With the server's token or without token checks, it is the author in the body, or else the
 * call's actor.
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
 * mistyped: it would have no actor.
 */
export function mayWrite({ method, asks_only, needs, counted_as }: Route): boolean {
  // A message to /mcp may or may not write. The route that its tool calls makes this check.
  if (method === "GET" || counted_as === "mcp") return false;
  return asks_only !== true || needs === "own instance";
}

/** Returns the 404 failure for a write that claims the id of an unregistered instance; null for any other call. */
export function refuseUnknown(route: Route, { unknown }: Caller): Failure | null {
  return unknown !== undefined && mayWrite(route) ? noInstance(unknown) : null;
}
