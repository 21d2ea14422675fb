/** The agents that are registered, for the view of them and for every view that names one. */
import { useMemo } from "preact/hooks";
import { apiPath, getJson } from "./client.js";
import { useResource, type Loader } from "./resource.js";
import type { Instance } from "./types.js";

/**
 * All of them, which a change of one has fetched anew as a whole: asking for one that has just been removed would be an
 * error in the browser's console.
 */
export const agentsLoader: Loader<readonly Instance[]> = {
  key: "agents",
  kinds: ["instance"],
  gap_ms_min: 1_000,
  fetch: (signal) => getJson<readonly Instance[]>(apiPath("instances"), signal),
};

/** Agents by id: what an `actor`, a `source` or an `instance_id` means. */
export type AgentsById = ReadonlyMap<string, Instance>;

/** The agents by id, live; none until they are known. */
export function useAgentsById(): AgentsById {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => new Map((agents ?? []).map((agent) => [agent.id, agent])), [agents]);
}
