/** The agents that are registered, for the view of them and for every view that names one. */
import { useMemo } from "preact/hooks";
import type { Change } from "./changes.js";
import { ApiError, apiPath, getJson } from "./client.js";
import { useResource, type Loader } from "./resource.js";
import type { Instance } from "./types.js";

const NOT_FOUND = 404;

/** The list with one agent as it is now. */
async function withAgent(agents: readonly Instance[], id: string, signal: AbortSignal): Promise<readonly Instance[]> {
  try {
    const now = await getJson<Instance>(apiPath("instances", id), signal);
    const known = agents.some((agent) => agent.id === id);
    return known ? agents.map((agent) => (agent.id === id ? now : agent)) : [now, ...agents];
  } catch (error) {
    if (error instanceof ApiError && error.status === NOT_FOUND) return agents.filter((agent) => agent.id !== id);
    throw error;
  }
}

/** All of them. What is told without a name is when they were last seen, which changes for many at once. */
export const agentsLoader: Loader<readonly Instance[]> = {
  key: "agents",
  kinds: ["instance"],
  gap_ms_min: 2_000,
  fetch: (signal) => getJson<readonly Instance[]>(apiPath("instances"), signal),
  patch: (agents, { key }: Change, signal) => (key === null ? undefined : withAgent(agents, key, signal)),
};

/** Agents by id: what an `actor`, a `source` or an `instance_id` means. */
export type AgentsById = ReadonlyMap<string, Instance>;

/** The agents by id, live; none until they are known. */
export function useAgentsById(): AgentsById {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => new Map((agents ?? []).map((agent) => [agent.id, agent])), [agents]);
}
