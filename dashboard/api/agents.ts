/** Loads the registered agents, for views that show more of an agent than its name. */
import { useMemo } from "preact/hooks";
import { getJson } from "./client.js";
import { apiPath } from "../base/path.js";
import { type Checkout, checkoutLabels, checkoutsOf } from "./checkouts.js";
import { useResource, type Loader } from "./resource.js";
import type { Instance } from "./types.js";

/**
 * Loads all agents. If one agent changes, all are loaded again. A request for the changed agent alone would fail if
 * that agent was just removed. The browser would then show an error in its console.
 */
export const agentsLoader: Loader<readonly Instance[]> = {
  key: "agents",
  kinds: ["instance"],
  gapMsMin: 1_000,
  fetch: (signal) => getJson<readonly Instance[]>(apiPath("instances"), signal),
};

/**
 * Returns the agents by id, kept up to date. The map is empty until they are loaded. A view that needs only names uses
 * parts/agent.tsx.
 */
export function useAgentsById(): ReadonlyMap<string, Instance> {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => new Map((agents ?? []).map((agent) => [agent.id, agent])), [agents]);
}

/**
 * Returns the checkouts in which agents work, and the labels of these checkouts, both by the checkout's id. They are
 * kept up to date.
 */
export function useCheckouts(): {
  readonly checkouts: ReadonlyMap<string, Checkout>;
  readonly labels: ReadonlyMap<string, string>;
} {
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => {
    const checkouts = checkoutsOf(agents ?? []);
    return { checkouts, labels: checkoutLabels(checkouts) };
  }, [agents]);
}
