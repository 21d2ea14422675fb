/** The rows that refusals leave in the audit log, whoever refused: the writer, or the front before it. Any thread. */
import { AUDIT_DETAIL_BYTES_MAX } from "../../schemas/limits.js";
import type { Failure } from "../base/result.js";

/** 4xx statuses that leave none. */
const UNAUDITED: ReadonlySet<number> = new Set([408, 421, 429]);

export function leavesRow({ http }: Failure): boolean {
  return http >= 400 && http < 500 && !UNAUDITED.has(http);
}

/** What the row says. */
export function refusalDetail(failure: Failure): string {
  return JSON.stringify({ error: failure.message.slice(0, AUDIT_DETAIL_BYTES_MAX), code: failure.http });
}
