/**
 * Decides which accounts a caller may name. While an account is at its rate limit, all its agents wait. If an agent
 * could choose its account, it could make the agents of any account wait, or leave an account whose agents wait. So only
 * a caller with the server's token may give an agent an account, or take one away. Pure.
 */
import { Failure } from "../../base/result.js";
import type { Caller } from "../../platform/front/caller.js";
import { mayAll, tokenOwnerOf } from "../../platform/front/roles.js";
import type { Directory } from "./directory.js";
import { accountOf } from "./lineage.js";

const NOT_YOURS = new Failure("PERMISSION_DENIED", "not yours: an agent gets its account with the server token");

/**
 * Returns a 403 if a caller may not name an account; else null. A caller with an instance's token may name an account
 * that it already has: that of the instance, or that of the session for which it makes the call.
 * @param changed the id of the instance whose account the call sets; "" if it sets the account of none, or of a new one
 * @param guarded whether the server checks tokens at all
 * @param account null or undefined if the call names none
 */
export function refuseAccount(
  guarded: boolean,
  caller: Caller,
  account: string | null | undefined,
  agents: Pick<Directory, "get">,
  changed = "",
): Failure | null {
  if (account === undefined || mayAll(guarded, caller)) return null;
  // A new instance without an account has that of the caller (accountOf).
  if (account === null) return (agents.get(changed)?.account ?? null) === null ? null : NOT_YOURS;
  const find = (id: string) => agents.get(id);
  const own = [caller.actor, tokenOwnerOf(caller)].map((id) => accountOf(find(id), find));
  return own.includes(account) ? null : NOT_YOURS;
}
