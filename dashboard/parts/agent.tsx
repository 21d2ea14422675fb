/** Agents by name: who acted stands in answers as an id, which says nothing to a person. */
import { apiPath, getJson } from "../api/client.js";
import { useResource, type Loader } from "../api/resource.js";
import type { Instance } from "../api/types.js";
import { agentAddress } from "../app/address.js";

/** What the dashboard itself is called as an actor; so is an operator who changes something there. */
const DASHBOARD = "dashboard";

/** Names by id. Signs of life change none of them, so they are passed over. */
export const agentNames: Loader<ReadonlyMap<string, string>> = {
  key: "agent names",
  kinds: ["instance"],
  fetch: async (signal) => {
    const agents = await getJson<Instance[]>("/api/instances", signal);
    return new Map(agents.map(({ id, name }) => [id, name]));
  },
  concerns: ({ key }) => key !== null,
  patch: (names, { key }, signal) =>
    key === null || names.has(key)
      ? Promise.resolve(names)
      : getJson<Instance>(apiPath("instances", key), signal).then(({ id, name }) => new Map([...names, [id, name]])),
};

/** A function that gives an agent's name, the beginning of its id where it has none any more. */
export function useAgentNames(): (id: string) => string {
  const names = useResource(agentNames).data.value;
  return (id) => names?.get(id) ?? (id.length > 12 ? id.slice(0, 8) : id);
}

/** An agent by its name, with a link to its page. Nothing for nobody. */
export function Agent({ id }: { readonly id: string }) {
  const nameOf = useAgentNames();
  if (id === "") return <span class="muted">somebody</span>;
  if (id === DASHBOARD) return <span>operator</span>;
  return (
    <a href={agentAddress(id)} title={id}>
      {nameOf(id)}
    </a>
  );
}
