/**
 * Lists the leases of the instance that makes a commit, and those of its parent and its subagents. Runs in the CLI
 * process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { STATUSES } from "../../schemas/status.js";
import { encodeQuery } from "../client.js";
import type { Lease } from "../lease-calls.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";

/** The number of leases that one call lists. */
const PAGE = 500;

/** A lease in the server's list. `automatic` says that an agent's hooks took the lease. */
export type ListedLease = Lease & { readonly automatic?: boolean };

/** Lists all leases that match a query, newest first. Makes one call per page. */
export async function listLeases(
  caller: GuardCaller,
  query: Readonly<Record<string, string>>,
  page = PAGE,
): Promise<ListedLease[] | Away> {
  const leases: ListedLease[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const parameters: Record<string, string> = { ...query, limit: String(page) };
    if (after !== "") parameters["after"] = after;
    const answer = await callServer(caller, "GET", `/api/leases${encodeQuery(parameters)}`);
    if (answer instanceof Away) return answer;
    if (!isJsonObject(answer) || !Array.isArray(answer["leases"]))
      return new Away("the answer is not a list of leases: is this a Koor server?");
    const found = answer["leases"] as ListedLease[];
    leases.push(...found);
    after = found.at(-1)?.id;
  }
  return leases;
}

/** Lists the leases that the caller holds. If the caller is no instance, the list is empty. */
export async function ownLeases(caller: GuardCaller): Promise<ListedLease[] | Away> {
  const leases = await listLeases(caller, { own: "1", state: "held", workspace: caller.workspace ?? "" });
  return leases instanceof Away && leases.status === STATUSES.INVALID_ARGUMENT.http ? [] : leases;
}

/**
 * Finds out whether the guard acts as the session's instance or as the folder's. It acts as the folder's instance if
 * the server does not know the session. Only a call that needs an instance shows this, and the check of paths needs
 * none.
 */
export async function settleIdentity(caller: GuardCaller): Promise<Away | undefined> {
  const { fallback } = caller.settings;
  if (fallback === undefined || fallback.isUsed) return undefined;
  const answer = await callServer(caller, "GET", `/api/leases${encodeQuery({ own: "1", limit: "1" })}`);
  return answer instanceof Away && answer.status === 0 ? answer : undefined;
}
