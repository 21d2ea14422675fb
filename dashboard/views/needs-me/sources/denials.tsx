/**
 * Finds agents to which hooks have denied the same path again and again. The agent is stuck until the path is free, or
 * until a person helps.
 */
import { getJson } from "../../../api/client.js";
import type { HookDenial, HookList } from "../../../api/types.js";
import { addressOf, agentAddress } from "../../../base/address.js";
import { query } from "../../../base/path.js";
import { Agent } from "../../../parts/agent.js";
import { askAgent, breakAction } from "../actions.js";
import { earliest, repeatsOf, type Repeats } from "../repeats.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

/** Denials of the same path to the same agent, because of the same lease, are one row. */
const sameOf = ({ instance, path, lease_id }: HookDenial): string => JSON.stringify([instance.id, lease_id ?? path]);

function itemOf(denials: Repeats<HookDenial>): Item {
  const [{ instance, path, holder, lease_id, first_at }, ...others] = denials;
  const address = lease_id === null ? null : addressOf("leases", lease_id);
  const times = denials.reduce((sum, { count }) => sum + count, 0);
  return {
    key: sameOf(denials[0]),
    name: others.length === 0 ? path : `${path} and ${others.length} more`,
    address: address ?? agentAddress(instance.id),
    ...(others.length > 0 ? { count: denials.length } : {}),
    line: (
      <>
        <Agent {...instance} /> was denied {others.length === 0 ? "it" : "them"} {times} times, because{" "}
        {holder === null || address === null ? (
          "its project wants a lease of its own for each edit, and it has none."
        ) : (
          <>
            <Agent {...holder} /> holds <a href={address}>{lease_id}</a>.
          </>
        )}
      </>
    ),
    why: "The agent is stuck, and each attempt costs tokens.",
    since: earliest([first_at, ...others.map((other) => other.first_at)]),
    tone: "warn",
    actions:
      holder === null || lease_id === null
        ? [askAgent(instance, "Please lease the file before you edit it")]
        : [
            askAgent(holder, `Please release ${lease_id} soon: another agent needs its files`),
            breakAction(lease_id, holder),
          ],
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
    // A new denial is reported as activity of its agent, which is a change without a key. Any other change can only end
    // a denial.
    patch: (denials, { key }) =>
      key === null || denials.some(({ instance, lease_id }) => key === lease_id || key === instance.id)
        ? undefined
        : Promise.resolve(denials),
  },
  itemsOf: (denials) => oldestFirst(repeatsOf(denials, sameOf).map(itemOf)),
});
