/** The view of agents: the table of all agents, or the page of the agent in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { AgentPage } from "./agent-page.js";
import { AgentTable } from "./agent-table.js";

export function View({ segments: [id] }: ViewProps) {
  return id === undefined || id === "" ? <AgentTable /> : <AgentPage key={id} id={id} />;
}
