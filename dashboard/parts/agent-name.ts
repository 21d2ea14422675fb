/** Display names of actors: an agent's name, if the server knows it. Pure. */

/** Agent names by id. */
export type AgentNames = ReadonlyMap<string, string>;

/** The name shown for an actor that did not identify itself; also its value in the audit filter. */
export const UNKNOWN_ACTOR = "unknown";
/** The dashboard's actor id, and its display name: changes made here are an operator's. */
const DASHBOARD = "dashboard";
const OPERATOR = "operator";

const AGENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Characters of an id that are shown: enough to distinguish the ids on a page. */
const SHORT_ID = 8;

/** Whether the id has the form of an agent's, registered or not. */
export function isAgentId(id: string): boolean {
  return AGENT_ID.test(id);
}

/**
 * Returns an agent's name, the beginning of the id of an agent that is no longer registered, or any other actor's id.
 */
export function agentName(id: string, names: AgentNames): string {
  if (id === "") return UNKNOWN_ACTOR;
  if (id === DASHBOARD) return OPERATOR;
  return names.get(id) ?? (isAgentId(id) ? id.slice(0, SHORT_ID) : id);
}
