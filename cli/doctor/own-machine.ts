/** Decides whether the server of this folder's commands runs on this machine. Runs in the CLI process. */
import { CliFailure } from "../failure.js";
import { serversOf } from "../settings.js";
import type { Examined } from "./check.js";

/** Whether an IP address is a loopback address. */
function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** Whether a host name resolves to this machine. */
async function isThisMachine(hostname: string): Promise<boolean> {
  const { lookup } = process.getBuiltinModule("node:dns").promises;
  const { networkInterfaces } = process.getBuiltinModule("node:os");
  const own = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));
  try {
    const found = await lookup(hostname.replace(/^\[|\]$/g, ""), { all: true });
    return found.some(({ address }) => isLoopback(address) || own.has(address));
  } catch {
    return false;
  }
}

/**
 * Whether the chosen server is on this machine. If no server answers, one configured server on this machine is enough.
 */
export async function isServerNear({ identity, reached }: Examined): Promise<boolean> {
  if (reached.server !== undefined) return await isThisMachine(reached.server.server.hostname);
  const servers = identity instanceof CliFailure ? [] : serversOf(identity.settings);
  const near = await Promise.all(servers.map(({ hostname }) => isThisMachine(hostname)));
  return near.some((one) => one);
}
