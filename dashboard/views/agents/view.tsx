/** Agents: who is here, what they intend and did; below the address of one, all about it. */
import type { ViewProps } from "../../base/view-props.js";
import { AgentPage } from "./agent-page.js";
import { AgentTable } from "./agent-table.js";

export function View({ segments: [id] }: ViewProps) {
  return id === undefined || id === "" ? <AgentTable /> : <AgentPage key={id} id={id} />;
}
