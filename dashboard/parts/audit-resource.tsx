/** Shows the resource that an audit row names. It is a link if the resource has a page. */
import type { AuditEntry } from "../api/types.js";
import { Agent } from "./agent.js";
import { isAgentId } from "./agent-name.js";
import { resourceAddress } from "./audit-format.js";

export function AuditResource({ entry }: { readonly entry: AuditEntry }) {
  const { action, resource } = entry;
  if (resource === "") return null;
  if (action.startsWith("instance.") && isAgentId(resource)) return <Agent id={resource} />;
  const href = resourceAddress(entry);
  return href === undefined ? (
    <span title={resource}>{resource}</span>
  ) : (
    <a href={href} title={resource}>
      {resource}
    </a>
  );
}
