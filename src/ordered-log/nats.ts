/**
 * The ordered log in a NATS JetStream stream: what opens it, makes it, and keeps its snapshots. Loaded only where a
 * cluster is asked for, since the libraries take their time. The log runs in the writer's thread, the snapshots in
 * that of who asks.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { LOG_STATE_MS_MAX } from "../../schemas/limits.js";
import { assert } from "../base/assert.js";
import { askUntilAnswered, connectNats, explainAt, type NatsServer } from "./nats-connection.js";
import { openSession } from "./nats-session.js";
import { NatsSnapshots } from "./nats-snapshots.js";
import { checkStream, makeStream, readStream, streamName } from "./nats-stream.js";
import type { LogAddress, LogListener, LogSession, OrderedLog } from "./ordered-log.js";

/** The log of a cluster's name at `nats://` or `tls://`. Connects to nothing yet. */
export function natsLog(address: LogAddress): OrderedLog {
  assert(/^[\w-]+$/.test(address.name), "a cluster's name is of letters, digits, - and _");
  const snapshots = new NatsSnapshots(address);
  let turn = 0;
  let is_of_use = true;
  return {
    open: async (listener) => {
      // One that is cut off from the others still answers, and takes no entries: the next one is asked.
      turn = is_of_use ? 0 : turn + 1;
      is_of_use = false;
      const session = await open(address, turn, listener);
      is_of_use = true;
      if (session === null) return null;
      return noting(session, (known) => {
        is_of_use = known;
      });
    },
    // Who makes a log has opened it before, and found which server is of use.
    create: (generation) => create(address, turn, generation),
    snapshots,
  };
}

/** A session that tells whether its server is of use: not from an append on, until that is answered. */
function noting(session: LogSession, note: (is_of_use: boolean) => void): LogSession {
  return {
    status: session.status,
    channel: session.channel,
    read: (id) => session.read(id),
    follow: (after) => session.follow(after),
    pause: () => session.pause(),
    resume: () => session.resume(),
    append: (bytes, done) => {
      note(false);
      session.append(bytes, (outcome) => {
        note(outcome !== "unknown");
        done(outcome);
      });
    },
    look: () => session.look(),
    trim: (through) => session.trim(through),
    close: () => session.close(),
  };
}

/** @param turn with which server of the address it begins, counted on without end */
async function open(address: LogAddress, turn: number, listener: LogListener): Promise<LogSession | null> {
  const server = await connectNats(address, turn);
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

async function create(address: LogAddress, turn: number, generation: string): Promise<void> {
  const server = await connectNats(address, turn);
  try {
    await makeStream(server, address.name, generation);
  } catch (error) {
    throw await closeAfter(server, error);
  }
  await server.connection.close();
}

async function closeAfter(server: NatsServer, error: unknown): Promise<Error> {
  // A connection that is closed does not know its server any more.
  const explained = explainAt(server, error);
  await server.connection.close();
  return explained;
}
