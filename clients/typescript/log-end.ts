/** Finds the end of a cluster's log by asking the nodes for their status. */
import { readBody } from "./body.js";

/** A node that does not answer within this time is left out. */
const ANSWER_TIMEOUT_MS = 2000;
const STATUS_BYTES_MAX = 1024 * 1024;

interface NodeStatus {
  readonly state?: unknown;
  readonly log_last?: unknown;
}

async function endOf(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<number | undefined> {
  try {
    const response = await fetch(`${url}/api/cluster`, { headers, signal, redirect: "error" });
    const text = new TextDecoder().decode(await readBody(response, STATUS_BYTES_MAX));
    const status = JSON.parse(text) as NodeStatus | null;
    // Only healthy nodes count. A node that is cut off may report an old end, and a halted node may have a different
    // log.
    return status?.state === "ok" && typeof status.log_last === "number" ? status.log_last : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the highest end of the log that a healthy node reports; undefined if none does. */
export async function logEnd(
  urls: readonly string[],
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  const timer = setTimeout(abort, ANSWER_TIMEOUT_MS);
  signal.addEventListener("abort", abort);
  const ends = await Promise.all(urls.map((url) => endOf(url, headers, limit.signal)));
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  const known = ends.filter((end) => end !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
