/** Checks the nodes of the server's cluster. Runs in the CLI process. */
import { STATUSES } from "../../schemas/status.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { bearer } from "./access.js";
import { tokenOf } from "./caller.js";
import type { Check } from "./check.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";
import { describeReply, fetchReply, objectIn } from "./reply.js";

const PLAN = { method: "GET", path: "/api/cluster" } as const;
const HELP = "see docs/cluster.md, When something fails";

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function judgeState({ node, state, reason, position, log_last: last }: JsonObject): Finding {
  const name = `node ${textOf(node)}`;
  const why = textOf(reason) === "" ? "" : `: ${textOf(reason)}`;
  switch (state) {
    case "ok":
      return ok(`${name} is ok, at position ${String(position)} of ${String(last)}`);
    case "catching_up":
      return warning(
        `${name} is behind the log, at ${String(position)} of ${String(last)}: its answers may be outdated`,
        "wait, or ask another node with --server",
      );
    default:
      return failure(`${name} is ${textOf(state)}, so its answers are outdated, and it stores nothing${why}`, HELP);
  }
}

function judgeNodes(nodes: readonly JsonObject[]): readonly Finding[] {
  const silent = nodes.filter(({ state }) => state !== "ok").map(({ node }) => textOf(node));
  const versions = new Set(nodes.map(({ version }) => textOf(version)));
  return [
    ...(silent.length === 0 ? [] : [warning(`nothing arrived from node ${silent.join(", ")} for 10 s`, HELP)]),
    ...(versions.size < 2
      ? []
      : [warning(`the nodes have different versions: ${[...versions].join(", ")}`, "upgrade the older ones")]),
  ];
}

function judge(status: JsonObject): readonly Finding[] {
  const { nodes, warnings, leader } = status;
  const all = Array.isArray(nodes) ? nodes.filter(isJsonObject) : [];
  const known = Array.isArray(warnings) ? warnings.map(textOf) : [];
  return [
    judgeState(status),
    ...(textOf(leader) === ""
      ? [warning("the cluster has no leader", "wait; if this persists, check the log's servers")]
      : []),
    ...judgeNodes(all),
    ...known.map((text) => warning(text, "see docs/cluster.md, Warnings")),
  ];
}

export const CLUSTER: Check = {
  name: "cluster",
  needs: "token",
  run: async (examined) => {
    const { server } = examined.reached;
    if (server === undefined) return [];
    const reply = await fetchReply(server.server, PLAN, bearer(tokenOf(examined)));
    if (!(reply instanceof NoAnswer) && reply.status === STATUSES.NOT_FOUND.http)
      return [skip("the server is not a node of a cluster")];
    const status = reply instanceof NoAnswer || reply.status !== STATUSES.OK.http ? undefined : objectIn(reply);
    if (status === undefined) return [failure(`the server does not report its cluster: ${describeReply(reply)}`, HELP)];
    return judge(status);
  },
};
