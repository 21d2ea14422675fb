/** Returns the names under which actors are shown. For an agent, this is its name if the server knows it. Pure. */

/** The names of agents, by id. */
export type AgentNames = ReadonlyMap<string, string>;

/** The name that is shown for an actor that did not identify itself. The audit filter uses the same word. */
export const UNKNOWN_ACTOR = "unknown";
/** The actor id of calls from the dashboard. It is shown as the operator, because operators make changes here. */
const DASHBOARD = "dashboard";
const OPERATOR = "operator";

const AGENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The number of characters of an id that are shown. They suffice to distinguish the ids on a page. */
const SHORT_ID = 8;

/** Whether an id has the form of an agent's id. The agent need not be registered. */
export function isAgentId(id: string): boolean {
  return AGENT_ID.test(id);
}

/**
 * Returns the name to show for an actor. For an agent it is the agent's name. If the agent is no longer registered, it
 * is the beginning of the id. For any other actor it is the whole id.
 */
export function agentName(id: string, names: AgentNames): string {
  if (id === "") return UNKNOWN_ACTOR;
  if (id === DASHBOARD) return OPERATOR;
  return names.get(id) ?? (isAgentId(id) ? id.slice(0, SHORT_ID) : id);
}
