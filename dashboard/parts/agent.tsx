/** Agents by name: who acted stands in answers as an id, which says nothing to a person. */
import { getJson } from "../api/client.js";
import { apiPath } from "../base/path.js";
import { useResource, type Loader } from "../api/resource.js";
import type { Instance } from "../api/types.js";
import { agentAddress } from "../base/address.js";
import { agentName, isAgentId, type AgentNames } from "./agent-name.js";

/** Names by id. Signs of life change none of them, so they are passed over. */
export const agentNames: Loader<AgentNames> = {
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

const NO_NAMES: AgentNames = new Map();

/** The names of agents, live; none until they are known. */
export function useAgentNames(): AgentNames {
  return useResource(agentNames).data.value ?? NO_NAMES;
}

interface AgentProps {
  readonly id: string;
  /** What it was called then, for one that is gone. */
  readonly name?: string;
}

/** Who did something: an agent by its name with a link to its page, any other doer by what it is called. */
export function Agent({ id, name: then }: AgentProps) {
  const names = useAgentNames();
  const name = names.has(id) ? agentName(id, names) : (then ?? agentName(id, names));
  if (id === "") return <span class="muted">{name}</span>;
  if (!names.has(id) && !isAgentId(id)) return <span>{name}</span>;
  return (
    <a href={agentAddress(id)} title={id}>
      {name}
    </a>
  );
}
