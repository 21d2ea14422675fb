/**
 * Loads the engine for a log. The scheme of the log's address selects the engine, and the other engines are not loaded.
 * Runs in the writer thread and in the snapshot thread.
 */
import type { LogAddress, OrderedLog } from "./ordered-log.js";

const SCHEMES: Readonly<Record<string, (address: LogAddress) => Promise<OrderedLog>>> = {
  "nats:": async (address) => (await import("./nats.js")).natsLog(address),
  "tls:": async (address) => (await import("./nats.js")).natsLog(address),
  "postgres:": async (address) => (await import("./postgres.js")).postgresLog(address),
  "postgresql:": async (address) => (await import("./postgres.js")).postgresLog(address),
};

/**
 * Loads the engine for an address. The address's scheme must be a key of SCHEMES. Does not connect to the log yet.
 */
export function openLogAt(address: LogAddress): Promise<OrderedLog> {
  const scheme = address.url.slice(0, address.url.indexOf(":") + 1);
  const load = SCHEMES[scheme];
  if (load === undefined) throw new Error(`no log has the scheme ${scheme}`);
  return load(address);
}
