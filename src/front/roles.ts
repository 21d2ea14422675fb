/**
 * What callers may do and say: refusals of those that a route does not take (unknown instances, tokens that are not
 * enough), and who is named as the author of what a call stores. Pure.
 */
import { noInstance } from "../base/needs-instance.js";
import { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import type { Request, Route } from "./route.js";

const NEEDS_SERVER = new Failure("PERMISSION_DENIED", "this needs the server token");
const NEEDS_OWN = new Failure("PERMISSION_DENIED", "this needs the server token, or the token of that instance");

/**
 * Whether a caller may do all there is: it has the server's token, or none is asked for.
 * @param guarded whether tokens are asked for at all
 */
export function mayAll(guarded: boolean, { role }: Pick<Caller, "role">): boolean {
  return !guarded || role !== "instance";
}

/**
 * The 403 for a caller whose token the route does not take; null where it does.
 * @param guarded whether tokens are asked for at all
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
 * Whose work it is that a call stores, where its body may say so. Where tokens are asked for, an instance's own says
 * who calls, and the body cannot say otherwise; of any other caller the body's word is taken, or else that of the call.
 * @param guarded whether tokens are asked for at all
 * @param given what the body says
 */
export function authorOf(
  guarded: boolean,
  { caller, context }: Pick<Request, "caller" | "context">,
  given: string | undefined,
): string {
  return mayAll(guarded, caller) ? (given ?? context.actor) : caller.actor;
}

/** Whether a call may change something: where it also acts as an instance, it must not do so as nobody by mistake. */
export function mayWrite({ method, asks_only, needs, counted_as }: Route): boolean {
  // A message to /mcp is a write or not by its tool: the tool's own route refuses it.
  if (method === "GET" || counted_as === "mcp") return false;
  return asks_only !== true || needs === "own instance";
}

/** The 404 for a write under the id of an instance that is not registered; null for any other call. */
export function refuseUnknown(route: Route, { unknown }: Caller): Failure | null {
  return unknown !== undefined && mayWrite(route) ? noInstance(unknown) : null;
}
