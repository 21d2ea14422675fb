/**
 * Authorizes callers: refuses unknown instances and tokens that do not suffice for a route, and decides which instance
 * counts as the author of what a call stores. Pure.
 */
import { noInstance } from "../base/needs-instance.js";
import { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import type { Request, Route } from "./route.js";

const NEEDS_SERVER = new Failure("PERMISSION_DENIED", "this needs the server token");
const NEEDS_OWN = new Failure("PERMISSION_DENIED", "this needs the server token, or the token of that instance");

/**
 * Whether a caller may do everything: it has the server's token, or the server checks none.
 * @param guarded whether the server checks tokens at all
 */
export function mayAll(guarded: boolean, { role }: Pick<Caller, "role">): boolean {
  return !guarded || role !== "instance";
}

/**
 * The 403 for a caller whose token does not suffice for the route; null if it does.
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
 * The author of what a call stores, for calls whose bodies may name one. If the server checks tokens, a caller with an
 * instance's token is the author itself, whatever the body says. For any other caller the body decides, or else the
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

/** Whether a call may change something. Such a call must not lose its actor by a mistyped instance id. */
export function mayWrite({ method, asks_only, needs, counted_as }: Route): boolean {
  // The tool of a message to /mcp decides whether it writes: the tool's own route refuses it.
  if (method === "GET" || counted_as === "mcp") return false;
  return asks_only !== true || needs === "own instance";
}

/** The 404 for a write as an instance that is not registered; null for any other call. */
export function refuseUnknown(route: Route, { unknown }: Caller): Failure | null {
  return unknown !== undefined && mayWrite(route) ? noInstance(unknown) : null;
}
