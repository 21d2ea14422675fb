/** Shows agents by name. The API returns actors as ids, which mean nothing to people. */
import { getJson } from "../api/client.js";
import { apiPath } from "../base/path.js";
import { useResource, type Loader } from "../api/resource.js";
import type { Instance } from "../api/types.js";
import { agentAddress } from "../base/address.js";
import { agentName, isAgentId, type AgentNames } from "./agent-name.js";

/** Loads the agents' names by id. Ignores changes without a key, because they only report that agents were active. */
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

/** Returns the agents' names, kept up to date. The map is empty until they are loaded. */
export function useAgentNames(): AgentNames {
  return useResource(agentNames).data.value ?? NO_NAMES;
}

interface AgentProps {
  readonly id: string;
  /** The agent's name at the time of the action. It is shown if the agent is no longer registered. */
  readonly name?: string;
}

/** Shows an actor. An agent is shown by its name, with a link to its page; any other actor is shown by its id. */
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
