/** Which engine an address names. Loads it, and no other. Runs in the writer's thread, and in a snapshot's. */
import type { LogAddress, OrderedLog } from "./ordered-log.js";

const SCHEMES: Readonly<Record<string, (address: LogAddress) => Promise<OrderedLog>>> = {
  "nats:": async (address) => (await import("./nats.js")).natsLog(address),
  "tls:": async (address) => (await import("./nats.js")).natsLog(address),
  "postgres:": async (address) => (await import("./postgres.js")).postgresLog(address),
  "postgresql:": async (address) => (await import("./postgres.js")).postgresLog(address),
};

/** What addresses begin with. */
export const LOG_SCHEMES = Object.keys(SCHEMES);

/** The log at an address whose scheme is one of LOG_SCHEMES. */
export function openLogAt(address: LogAddress): Promise<OrderedLog> {
  const scheme = address.url.slice(0, address.url.indexOf(":") + 1);
  const load = SCHEMES[scheme];
  if (load === undefined) throw new Error(`no log has the scheme ${scheme}`);
  return load(address);
}
