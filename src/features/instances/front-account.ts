/**
 * Says which accounts a caller may name. All agents of an account wait while a rate limit holds for it. So only the
 * server's token gives an agent an account: if agents could choose theirs, one of them could keep the agents of any
 * account waiting. Pure.
 */
import { Failure } from "../../base/result.js";
import type { Caller } from "../../platform/front/caller.js";
import { mayAll, tokenOwnerOf } from "../../platform/front/roles.js";
import type { Directory } from "./directory.js";
import { accountOf } from "./lineage.js";

const NOT_YOURS = new Failure("PERMISSION_DENIED", "not yours: an agent gets its account with the server token");

/**
 * Returns the 403 failure if a caller may not name an account; else null. With an instance's token, a caller may name
 * the account of that instance, and of the session for which it makes the call.
 * @param guarded whether the server checks tokens at all
 * @param account null or undefined if the call names none
 */
export function refuseAccount(
  guarded: boolean,
  caller: Caller,
  account: string | null | undefined,
  agents: Pick<Directory, "get">,
): Failure | null {
  if (account === null || account === undefined || mayAll(guarded, caller)) return null;
  const find = (id: string) => agents.get(id);
  const own = [caller.actor, tokenOwnerOf(caller)].map((id) => accountOf(find(id), find));
  return own.includes(account) ? null : NOT_YOURS;
}
