/**
 * Lists the leases of the instance that makes a commit, with those of its parent and of its subagents. Runs in the CLI
 * process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { STATUSES } from "../../schemas/status.js";
import { encodeQuery } from "../client.js";
import type { Lease } from "../lease-calls.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";

/** The number of leases that one call asks for. */
const PAGE = 500;

/** A lease as the server shows it. An automatic lease was taken by an agent's hooks. */
export type ListedLease = Lease & { readonly automatic?: boolean };

/** Lists all leases that match a query, newest first, with as many calls as it takes. */
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

/** Lists the held leases of the caller. A caller that is no instance has none. */
export async function ownLeases(caller: GuardCaller): Promise<ListedLease[] | Away> {
  const leases = await listLeases(caller, { own: "1", state: "held", workspace: caller.workspace ?? "" });
  return leases instanceof Away && leases.status === STATUSES.INVALID_ARGUMENT.http ? [] : leases;
}

/**
 * Decides as which instance the guard asks, if a client has named a session: the session's, or the folder's if the
 * server does not know the session. A call that needs an instance decides it; a check does not need one.
 */
export async function settleIdentity(caller: GuardCaller): Promise<Away | undefined> {
  const { fallback } = caller.settings;
  if (fallback === undefined || fallback.isUsed) return undefined;
  const answer = await callServer(caller, "GET", `/api/leases${encodeQuery({ own: "1", limit: "1" })}`);
  return answer instanceof Away && answer.status === 0 ? answer : undefined;
}
