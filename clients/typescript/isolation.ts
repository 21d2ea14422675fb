/**
 * Finds out whether a node of a cluster is isolated. A node is isolated if it has halted or is cut off from the log. It
 * still answers reads and long polls, but its data gets old.
 */
import { readBody } from "./body.js";

const HEALTH_BYTES_MAX = 1024 * 1024;
const ISOLATED_STATES: ReadonlySet<unknown> = new Set(["cut_off", "halted"]);

interface Health {
  readonly status?: unknown;
  readonly cluster?: { readonly state?: unknown } | null;
}

/** Returns the health that a server reports; undefined if the server does not answer. */
async function healthOf(url: string, signal: AbortSignal): Promise<Health | null | undefined> {
  try {
    const response = await fetch(`${url}/health`, { signal, redirect: "error" });
    const text = new TextDecoder().decode(await readBody(response, HEALTH_BYTES_MAX));
    return JSON.parse(text) as Health | null;
  } catch {
    return undefined;
  }
}

/** If `server` is isolated, returns the first healthy server of `others`. Otherwise returns undefined. */
export async function findHealthier(
  server: string,
  others: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const health = await healthOf(server, signal);
  if (!ISOLATED_STATES.has(health?.cluster?.state)) return undefined;
  const healths = await Promise.all(others.map((other) => healthOf(other, signal)));
  return others[healths.findIndex((other) => other?.status === "ok")];
}
