/** What a token is not enough for. Pure. */
import { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import type { Route } from "./route.js";

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
