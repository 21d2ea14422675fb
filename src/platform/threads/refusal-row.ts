/**
 * Decides which refused calls get a row in the audit log, and makes the `detail` of that row. The writer uses it for
 * the calls that it refuses, and the front for its own refusals. Runs in any thread.
 */
import { AUDIT_DETAIL_BYTES_MAX } from "../../../schemas/limits/audit.js";
import type { Failure } from "../../base/result.js";

/** The 4xx statuses of refused calls that get no row in the audit log. */
const UNAUDITED: ReadonlySet<number> = new Set([408, 421, 429]);

export function getsAuditRow({ http }: Failure): boolean {
  return http >= 400 && http < 500 && !UNAUDITED.has(http);
}

/** Returns the `detail` of the audit row, as JSON text. */
export function refusalDetail(failure: Failure): string {
  return JSON.stringify({ error: failure.message.slice(0, AUDIT_DETAIL_BYTES_MAX), code: failure.http });
}
