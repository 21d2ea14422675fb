/**
 * The ordered log in a NATS JetStream stream: what opens it, makes it, and keeps its snapshots. Loaded only where a
 * cluster is asked for, since the libraries take their time. The log runs in the writer's thread, the snapshots in
 * that of who asks.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { LOG_STATE_MS_MAX } from "../../schemas/limits.js";
import { assert } from "../base/assert.js";
import { connectNats, explainFault, type NatsServer } from "./nats-connection.js";
import { openSession } from "./nats-session.js";
import { NatsSnapshots } from "./nats-snapshots.js";
import { checkStream, makeStream, readStream, streamName } from "./nats-stream.js";
import type { LogAddress, LogListener, LogSession, OrderedLog } from "./ordered-log.js";

/** The log of a cluster's name at `nats://` or `tls://`. Connects to nothing yet. */
export function natsLog(address: LogAddress): OrderedLog {
  assert(/^[\w-]+$/.test(address.name), "a cluster's name is of letters, digits, - and _");
  const snapshots = new NatsSnapshots(address);
  return {
    open: (listener) => open(address, listener),
    create: (generation) => create(address, generation),
    snapshots,
  };
}

async function open(address: LogAddress, listener: LogListener): Promise<LogSession | null> {
  const server = await connectNats(address);
  try {
    const manager = await jetstreamManager(server.connection, { checkAPI: false, timeout: LOG_STATE_MS_MAX });
    const info = await readStream({ ...server, manager }, streamName(address.name));
    if (info !== null)
      return await openSession(server, address.name, checkStream(server, address.name, info), listener);
  } catch (error) {
    throw await closeAfter(server, error);
  }
  await server.connection.close();
  return null;
}

async function create(address: LogAddress, generation: string): Promise<void> {
  const server = await connectNats(address);
  try {
    await makeStream(server, address.name, generation);
  } catch (error) {
    throw await closeAfter(server, error);
  }
  await server.connection.close();
}

async function closeAfter(server: NatsServer, error: unknown): Promise<Error> {
  await server.connection.close();
  return explainFault(error, server.shown);
}
