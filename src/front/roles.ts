/** What a token is not enough for. Pure. */
import { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import type { Route } from "./route.js";

const NEEDS_SERVER = new Failure("PERMISSION_DENIED", "this needs the server token");
const NEEDS_OWN = new Failure("PERMISSION_DENIED", "this needs the server token, or the token of that instance");

/**
 * The 403 for a caller whose token the route does not take; null where it does.
 * @param guarded whether tokens are asked for at all
 */
export function refuseRole(
  guarded: boolean,
  { needs }: Route,
  { role, actor }: Caller,
  params: readonly string[],
): Failure | null {
  if (!guarded || role !== "instance" || needs === undefined) return null;
  if (needs === "server") return NEEDS_SERVER;
  return params[0] === actor ? null : NEEDS_OWN;
}
