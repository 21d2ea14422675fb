/**
 * Finds stale agents, which have died or did not deregister. Leaves out the agents of clients' sessions, because the
 * server itself deletes them when they are stale. Agents with the same name and intent are one row. If other requests
 * wait for a stale agent's leases, the agent is also in the group of leases.
 */
import { getJson, remove } from "../../../api/client.js";
import { isOperator } from "../../../api/operator.js";
import { apiPath } from "../../../base/path.js";
import type { Instance } from "../../../api/types.js";
import { addressOf, agentAddress } from "../../../base/address.js";
import { earliest, repeatsOf, type Repeats } from "../repeats.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf(agents: Repeats<Instance>): Item {
  const [{ id, name, intent, workspace, last_seen }, ...others] = agents;
  const several = others.length > 0;
  const last = intent === "" ? "No intent set" : `Last intent: ${intent}`;
  return {
    key: id,
    name,
    address: several ? addressOf("agents") : agentAddress(id),
    ...(several ? { count: agents.length } : {}),
    line: workspace === "" ? last : `${last} · ${workspace}`,
    why: "Messages and tasks for it stay where they are, and its token is still valid.",
    since: earliest([last_seen, ...others.map((other) => other.last_seen)]),
    tone: "warn",
    actions: [
      {
        text: several ? "Remove all" : "Remove",
        kind: "danger",
        run: () => Promise.all(agents.map((agent) => remove(apiPath("instances", agent.id)))),
        done: several ? `${agents.length} agents removed` : `Agent ${name} removed`,
        ask: {
          title: several ? `Remove ${agents.length} agents?` : `Remove ${name}?`,
          words:
            "Its token is revoked immediately. Everything that it wrote and published stays, and so do its metrics.",
        },
      },
    ],
  };
}

export const STALE_AGENTS = sourceOf<readonly Instance[]>({
  title: "Stale agents",
  address: addressOf("agents"),
  none: "no agent is stale",
  loader: {
    key: "needs me: stale agents",
    kinds: ["instance"],
    fetch: (signal) => getJson<Instance[]>("/api/instances/stale", signal),
  },
  itemsOf: (agents) =>
    oldestFirst(
      repeatsOf(
        agents.filter((agent) => agent.client === undefined && !isOperator(agent)),
        ({ name, intent, workspace }) => JSON.stringify([name, intent, workspace]),
      ).map(itemOf),
    ),
});
