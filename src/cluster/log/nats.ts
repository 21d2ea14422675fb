/**
 * Implements the ordered log with a NATS JetStream stream. Only a cluster loads this module, because the libraries take
 * long to load. The log runs in the writer thread. The snapshots run in the thread that calls them.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { LOG_STATE_MS_MAX } from "../../../schemas/limits/ordered-log.js";
import { assert } from "../../base/assert.js";
import { askUntilAnswered, connectNats, toLogErrorAt, type NatsServer } from "./nats-connection.js";
import { openSession } from "./nats-session.js";
import { NatsSnapshots } from "./nats-snapshots.js";
import { checkStream, makeStream, readStream, streamName } from "./nats-stream.js";
import type { LogAddress, LogListener, LogSession, OrderedLog } from "./ordered-log.js";

/** Returns the log of the cluster at a `nats://` or `tls://` address. Does not connect to it yet. */
export function natsLog(address: LogAddress): OrderedLog {
  assert(/^[\w-]+$/.test(address.name), "a cluster's name is of letters, digits, - and _");
  const snapshots = new NatsSnapshots(address);
  let attempt = 0;
  let isUsable = true;
  return {
    open: async (listener) => {
      // If the previous server was not usable, try the next server. A server that is partitioned from its peers answers
      // requests, but stores no entries.
      attempt = isUsable ? 0 : attempt + 1;
      isUsable = false;
      const session = await open(address, attempt, listener);
      isUsable = true;
      if (session === null) return null;
      return reportingUse(session, (known) => {
        isUsable = known;
      });
    },
    // `open` always precedes `create`. So `attempt` selects a server that has answered.
    create: (generation) => create(address, attempt, generation),
    snapshots,
  };
}

/**
 * Wraps a session, and reports whether its server is usable. During an append, the server counts as unusable until the
 * outcome is known.
 */
function reportingUse(session: LogSession, report: (isUsable: boolean) => void): LogSession {
  return {
    status: session.status,
    channel: session.channel,
    read: (id) => session.read(id),
    follow: (after) => session.follow(after),
    pause: () => session.pause(),
    resume: () => session.resume(),
    append: (bytes, done) => {
      report(false);
      session.append(bytes, (outcome) => {
        report(outcome !== "unknown");
        done(outcome);
      });
    },
    check: () => session.check(),
    trim: (through) => session.trim(through),
    close: () => session.close(),
  };
}

/** @param attempt the number of earlier attempts, as in `connectNats` */
async function open(address: LogAddress, attempt: number, listener: LogListener): Promise<LogSession | null> {
  const server = await connectNats(address, attempt);
  try {
    const manager = await jetstreamManager(server.connection, { checkAPI: false, timeout: LOG_STATE_MS_MAX });
    const stream = streamName(address.name);
    const info = await askUntilAnswered(() => readStream({ ...server, manager }, stream));
    if (info !== null)
      return await openSession(server, address.name, checkStream(server, address.name, info), listener);
  } catch (error) {
    throw await closeAfter(server, error);
  }
  await server.connection.close();
  return null;
}

async function create(address: LogAddress, attempt: number, generation: string): Promise<void> {
  const server = await connectNats(address, attempt);
  try {
    await makeStream(server, address.name, generation);
  } catch (error) {
    throw await closeAfter(server, error);
  }
  await server.connection.close();
}

async function closeAfter(server: NatsServer, error: unknown): Promise<Error> {
  // Classify the error before the connection is closed, because a closed connection has no information about its
  // server.
  const logError = toLogErrorAt(server, error);
  await server.connection.close();
  return logError;
}
