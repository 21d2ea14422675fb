/** Encodes records of commands as JSON, for answers and for the event about a record. Pure. */
import type { ListedEvidence } from "../../../schemas/evidence.js";
import { formatTime } from "../../base/time.js";
import { levelOf } from "./levels.js";
import type { EvidenceRow } from "./table.js";

/** Returns a record in the form for lists and events, without the command's output. */
export function listedEvidence(row: EvidenceRow): ListedEvidence {
  const { id, at, workspace, task, instance_id, name, seen_by, client, command, exit_code } = row;
  const { duration_ms, tree_before, tree_after, head, checkout } = row;
  return {
    id,
    at: formatTime(at),
    workspace,
    task,
    instance_id,
    name,
    level: levelOf(seen_by),
    seen_by,
    client,
    command,
    exit_code,
    passed: exit_code === 0,
    duration_ms,
    tree_before,
    tree_after,
    head,
    checkout,
  };
}

export function encodeListedEvidence(row: EvidenceRow): string {
  return JSON.stringify(listedEvidence(row));
}

export function encodeEvidence(row: EvidenceRow): string {
  return JSON.stringify({ ...listedEvidence(row), tail: row.tail });
}
