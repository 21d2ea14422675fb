/** The agents that are registered, as whoever shows more of them than their names needs them. */
import { useMemo } from "preact/hooks";
import { getJson } from "./client.js";
import { apiPath } from "../base/path.js";
import { useResource, type Loader } from "./resource.js";
import type { Instance } from "./types.js";

/**
 * All agents, which a change of one has fetched anew as a whole: asking for one that has just been removed would be an
 * error in the browser's console.
 */
export const agentsLoader: Loader<readonly Instance[]> = {
  key: "agents",
  kinds: ["instance"],
  gap_ms_min: 1_000,
  fetch: (signal) => getJson<readonly Instance[]>(apiPath("instances"), signal),
};

/** The agents by id, live; none until they are known. For names alone there is parts/agent.tsx. */
export function useAgentsById(): ReadonlyMap<string, Instance> {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => new Map((agents ?? []).map((agent) => [agent.id, agent])), [agents]);
}
