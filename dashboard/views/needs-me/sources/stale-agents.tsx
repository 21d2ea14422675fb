/**
 * Finds stale agents, which died or did not deregister. The server itself deletes those of clients' sessions, so they
 * are left out.
 */
import { getJson, remove } from "../../../api/client.js";
import { apiPath } from "../../../base/path.js";
import type { Instance } from "../../../api/types.js";
import { addressOf, agentAddress } from "../../../base/address.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf({ id, name, intent, workspace, last_seen }: Instance): Item {
  const last = intent === "" ? "No intent set" : `Last intent: ${intent}`;
  return {
    key: id,
    name,
    address: agentAddress(id),
    line: workspace === "" ? last : `${last} · ${workspace}`,
    since: last_seen,
    tone: "warn",
    actions: [
      {
        text: "Remove",
        run: () => remove(apiPath("instances", id)),
        done: `Agent ${name} removed`,
        ask: {
          title: `Remove ${name}?`,
          words: "Its token is revoked at once. Everything that it wrote and published stays, and so do its metrics.",
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
  itemsOf: (agents) => oldestFirst(agents.filter(({ client }) => client === undefined).map(itemOf)),
});
