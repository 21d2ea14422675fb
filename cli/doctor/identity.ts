/**
 * Checks the identity of commands in this folder: workspace, checkout and instance. Also checks whether the server
 * knows the instance. Runs in the CLI process.
 */
import { STATUSES } from "../../schemas/status.js";
import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { findCheckout } from "../checkout.js";
import { encodeQuery } from "../client.js";
import { NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import type { Identity } from "../settings.js";
import { findWorkspace } from "../workspace-name.js";
import { bearer } from "./access.js";
import { tokenOf } from "./caller.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, warning, type Finding } from "./line.js";
import type { Answering } from "./reach.js";
import { fetchReply, objectIn } from "./reply.js";

/** Returns the server if it lets the caller read its instances; undefined otherwise. */
function readable({ access, reached }: Examined): Answering | undefined {
  return access.isGranted ? reached.server : undefined;
}

/** Checks the instance in whose name commands act. A file or an environment variable names it. */
async function judgeInstance(examined: Examined, { instanceFrom: from, settings }: Identity): Promise<Finding> {
  if (from === undefined) return ok("no instance acts here; a session of an agent acts as its own");
  if (settings.instance === "") return ok(`the session's instance acts here (${from})`);
  const { instance: id } = settings;
  const server = readable(examined);
  if (server === undefined) return ok(`instance ${id} acts here (${from})`);
  const plan = { method: "GET", path: `/api/instances/${encodeURIComponent(id)}` };
  const reply = await fetchReply(server.server, plan, bearer(tokenOf(examined)));
  if (reply instanceof NoAnswer) return ok(`instance ${id} acts here (${from})`);
  if (reply.status === STATUSES.NOT_FOUND.http)
    return failure(
      `${server.address} has no instance ${id}, which ${from} names: it was deleted, or belongs to another server`,
      "register again: koor register NAME",
    );
  const found = objectIn(reply);
  const name = typeof found?.["name"] === "string" ? `${found["name"]} (${id})` : id;
  return found?.["status"] === "stale"
    ? warning(`instance ${name} is stale: it has sent no request for a while`, "koor activate")
    : ok(`instance ${name} acts here (${from})`);
}

/** Counts the instances of a workspace; undefined if the server does not send them. */
async function countInstances(examined: Examined, workspace: string): Promise<string | undefined> {
  const server = readable(examined);
  if (server === undefined) return undefined;
  const plan = { method: "GET", path: `/api/instances${encodeQuery({ workspace })}` };
  const reply = await fetchReply(server.server, plan, bearer(tokenOf(examined)));
  const list = reply instanceof NoAnswer ? undefined : parseJson(reply.body.toString("utf8"));
  if (!Array.isArray(list)) return undefined;
  const stale = list.filter((one) => isJsonObject(one) && one["status"] === "stale").length;
  return `agents there: ${list.length - stale} active or pending, ${stale} stale`;
}

/** Describes the context in effect, and whether the servers come from it. */
function describeContext({ context, serversFrom }: Identity): readonly Finding[] {
  if (context === undefined) return [];
  const about = `context ${context.name} is in effect (${context.from})`;
  return [ok(serversFrom === context.from ? about : `${about}, but ${serversFrom} names the server`)];
}

export const IDENTITY: Check = {
  name: "identity",
  run: async (examined) => {
    const { folder, environment, identity } = examined;
    if (identity instanceof CliFailure) return [failure(identity.message, "correct the file, or the variable")];
    const workspace = findWorkspace(folder, environment);
    if (workspace instanceof CliFailure) return [failure(workspace.message, "correct the file, or the variable")];
    const { name, from } = workspace;
    const { id, branch } = findCheckout(folder, environment);
    const count = name === null ? undefined : await countInstances(examined, name);
    const place = `workspace ${name ?? "none"} (${from}), checkout ${id}${branch === null ? "" : ` on ${branch}`}`;
    return [
      ok(count === undefined ? place : `${place}; ${count}`),
      await judgeInstance(examined, identity),
      ...describeContext(identity),
    ];
  },
};
