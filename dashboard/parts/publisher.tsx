/** Who published an event: an agent by its name, anything else as the publisher called itself. */
import { useResource } from "../api/resource.js";
import { Agent, agentNames } from "./agent.js";

export function Publisher({ source }: { readonly source: string }) {
  const names = useResource(agentNames).data.value;
  if (source === "") return null;
  return names?.has(source) === true ? <Agent id={source} /> : <span>{source}</span>;
}
