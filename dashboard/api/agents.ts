/** The resource of registered agents, for views that show more of an agent than its name. */
import { useMemo } from "preact/hooks";
import { getJson } from "./client.js";
import { apiPath } from "../base/path.js";
import { useResource, type Loader } from "./resource.js";
import type { Instance } from "./types.js";

/**
 * Loads all agents. A change of one agent reloads the whole list: a request for an agent that has just been removed
 * would show as an error in the browser's console.
 */
export const agentsLoader: Loader<readonly Instance[]> = {
  key: "agents",
  kinds: ["instance"],
  gap_ms_min: 1_000,
  fetch: (signal) => getJson<readonly Instance[]>(apiPath("instances"), signal),
};

/**
 * Returns the agents by id, live; the map is empty until they are loaded. A view that needs only names uses
 * parts/agent.tsx.
 */
export function useAgentsById(): ReadonlyMap<string, Instance> {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => new Map((agents ?? []).map((agent) => [agent.id, agent])), [agents]);
}
