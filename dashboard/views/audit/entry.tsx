/** Shows one row of the audit log with all of its members. */
import { useEffect, useRef } from "preact/hooks";
import type { AuditEntry } from "../../api/types.js";
import { fullTime } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { AuditResource } from "../../parts/audit-resource.js";
import { Button } from "../../parts/button.js";
import { Code } from "../../parts/code.js";

interface EntryProps {
  readonly entry: AuditEntry;
  readonly onClose: () => void;
}

export function Entry({ entry, onClose }: EntryProps) {
  const place = useRef<HTMLElement>(null);
  // The details get the focus. On a narrow page they are not beside the rows, and may be out of sight.
  useEffect(() => place.current?.focus(), []);
  return (
    <section ref={place} class="card audit-entry" aria-label={`Row ${entry.id}`} tabIndex={-1}>
      <div class="section-head">
        <h2>Row {entry.id}</h2>
        <div>
          <Button onClick={onClose}>Close</Button>
        </div>
      </div>
      <dl class="facts">
        <dt>Time</dt>
        <dd>{fullTime(Date.parse(entry.timestamp))}</dd>
        <dt>Actor</dt>
        <dd>
          <Agent id={entry.actor} />
        </dd>
        <dt>Action</dt>
        <dd class="mono">{entry.action}</dd>
        <dt>Resource</dt>
        <dd>{entry.resource === "" ? "none" : <AuditResource entry={entry} />}</dd>
        <dt>Outcome</dt>
        <dd>
          {entry.outcome}
          {entry.count && ` × ${entry.count}`}
        </dd>
      </dl>
      <Code text={entry.detail} content_type="application/json" label="Detail" />
    </section>
  );
}
