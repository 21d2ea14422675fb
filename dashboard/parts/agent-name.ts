/** What a doer is called: agents by their names, where the server knows them. Pure. */
import type { AgentsById } from "../api/agents.js";

const AGENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** As much of an id as tells it from the others on a page. */
const SHORT_ID = 8;

/** Whether it is the id of an agent, registered still or not. */
export function isAgentId(id: string): boolean {
  return AGENT_ID.test(id);
}

/** The agent's name; the beginning of the id of one that is gone; any other doer as it is, `nobody` for none. */
export function agentName(id: string, agents: AgentsById): string {
  if (id === "") return "nobody";
  return agents.get(id)?.name ?? (isAgentId(id) ? id.slice(0, SHORT_ID) : id);
}
