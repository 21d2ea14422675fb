/** What a row of the audit log is about, with its address behind it where it has one. */
import type { AgentsById } from "../api/agents.js";
import type { AuditEntry } from "../api/types.js";
import { agentName } from "./agent-name.js";
import { resourceAddress } from "./audit-words.js";

interface AuditResourceProps {
  readonly entry: AuditEntry;
  readonly agents: AgentsById;
}

export function AuditResource({ entry, agents }: AuditResourceProps) {
  const { action, resource } = entry;
  const href = resourceAddress(entry);
  if (resource === "") return null;
  const text = action.startsWith("instance.") ? agentName(resource, agents) : resource;
  return href === undefined ? (
    <span title={resource}>{text}</span>
  ) : (
    <a href={href} title={resource}>
      {text}
    </a>
  );
}
