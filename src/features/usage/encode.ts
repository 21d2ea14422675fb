/** Encodes a usage row as JSON. The list and the event about the row have the same form. Pure. */
import type { UsageRecordRequest } from "../../../schemas/usage.js";
import { formatTime } from "../../base/time.js";

/** A usage row as it is stored. `created_at` is in ms. */
export interface UsageRow extends UsageRecordRequest {
  readonly id: number;
  readonly created_at: number;
}

export function encodeUsage(row: UsageRow): string {
  const { id, provider, model, instance_id, project, tokens_in, tokens_out, cost_usd, request_type, session_tag } = row;
  return JSON.stringify({
    id,
    provider,
    model,
    instance_id,
    project,
    tokens_in,
    tokens_out,
    cost_usd,
    request_type,
    session_tag,
    created_at: formatTime(row.created_at),
  });
}
