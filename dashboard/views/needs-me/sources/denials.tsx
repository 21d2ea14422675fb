/**
 * Finds agents that hooks have denied the same path again and again. Such an agent is stuck until the path is free, or
 * until a person helps.
 */
import { getJson } from "../../../api/client.js";
import type { HookDenial, HookList } from "../../../api/types.js";
import { addressOf, agentAddress } from "../../../base/address.js";
import { query } from "../../../base/path.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

function itemOf({ instance, path, holder, lease_id, count, first_at }: HookDenial): Item {
  const address = lease_id === null ? null : addressOf("leases", lease_id);
  return {
    key: `${instance.id} ${path}`,
    name: path,
    address: address ?? agentAddress(instance.id),
    line: (
      <>
        <Agent {...instance} /> was denied it {count} times, because{" "}
        {holder === null || address === null ? (
          "its project wants a lease of its own for each edit, and it has none."
        ) : (
          <>
            <Agent {...holder} /> holds <a href={address}>{lease_id}</a>.
          </>
        )}
      </>
    ),
    since: first_at,
    tone: "warn",
    actions: [],
    message:
      holder === null || lease_id === null
        ? { to: instance, subject: "Please lease the file before you edit it" }
        : { to: holder, subject: `Please release ${lease_id} soon: another agent needs its files` },
  };
}

export const DENIALS = sourceOf<readonly HookDenial[]>({
  title: "Denied edits",
  address: addressOf("events") + query({ pattern: "agent.denied" }),
  none: "no edit is denied again and again",
  loader: {
    key: "needs me: denials",
    kinds: ["instance", "lease"],
    gapMsMin: 2_000,
    fetch: async (signal) => (await getJson<HookList>("/api/hooks", signal)).denials,
    // A denial reports that its agent was active, which is a change without a key. Other changes can only end a denial.
    patch: (denials, { key }) =>
      key === null || denials.some(({ instance, lease_id }) => key === lease_id || key === instance.id)
        ? undefined
        : Promise.resolve(denials),
  },
  itemsOf: (denials) => oldestFirst(denials.map(itemOf)),
});
