/** What a doer is called: agents by their names, where the server knows them. Pure. */

/** Names of agents by id. */
export type AgentNames = ReadonlyMap<string, string>;

/** Who did not say who it is. */
export const SOMEBODY = "somebody";
/** What the dashboard itself is called as an actor, and what an operator is who changes something there. */
const DASHBOARD = "dashboard";
const OPERATOR = "operator";

const AGENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** As much of an id as tells it from the others on a page. */
const SHORT_ID = 8;

/** Whether it is the id of an agent, registered still or not. */
export function isAgentId(id: string): boolean {
  return AGENT_ID.test(id);
}

/** The agent's name; the beginning of the id of one that is gone; any other doer as it is. */
export function agentName(id: string, names: AgentNames): string {
  if (id === "") return SOMEBODY;
  if (id === DASHBOARD) return OPERATOR;
  return names.get(id) ?? (isAgentId(id) ? id.slice(0, SHORT_ID) : id);
}
