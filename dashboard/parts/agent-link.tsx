/** Who did something: an agent by its name, with its page behind it, or what else the server calls a doer. */
import type { AgentsById } from "../api/agents.js";
import { agentAddress } from "../app/address.js";
import { agentName, isAgentId } from "./agent-name.js";

interface AgentLinkProps {
  /** An `actor`, a `source` or an `instance_id`. */
  readonly id: string;
  readonly agents: AgentsById;
}

export function AgentLink({ id, agents }: AgentLinkProps) {
  const name = agentName(id, agents);
  if (!agents.has(id) && !isAgentId(id)) return <span class="muted">{name}</span>;
  return (
    <a href={agentAddress(id)} title={id} class={agents.has(id) ? undefined : "mono"}>
      {name}
    </a>
  );
}
