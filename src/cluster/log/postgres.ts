/**
 * Implements the ordered log with PostgreSQL, in which Koor stores only the log and its snapshots. The entries are rows
 * of a table. Each append locks the row of the log's head, which gives the entry its id. NOTIFY announces new entries.
 * Snapshots are stored in pieces in another table. Only a cluster loads this module, because it loads the client
 * library. Runs in the writer thread.
 */
import { POSTGRES_CREATE_MS_MAX } from "../../../schemas/limits/ordered-log.js";
import type { LogAddress, LogListener, LogSession, OrderedLog } from "./ordered-log.js";
import { parsePostgresAddress, type PostgresTarget } from "./postgres-address.js";
import type { PostgresLink } from "./postgres-link.js";
import { connectAgain, connectToServer, checkServer } from "./postgres-server.js";
import { LISTEN, PostgresSession } from "./postgres-session.js";
import { PostgresSnapshots } from "./postgres-snapshots.js";
import { tablesExist, createTables } from "./postgres-tables.js";

const STATUS = {
  text: `
    SELECT generation, seq AS last,
      coalesce((SELECT min(entry.seq) FROM koor.log_entry AS entry WHERE entry.name = $1), head.seq + 1) AS first
    FROM koor.log_head AS head WHERE head.name = $1`,
};

/**
 * Takes a lock, so that only one node at a time creates the tables. The number is unlikely to be in use by another
 * program.
 */
const LOCK_CREATION = { text: "SELECT pg_advisory_xact_lock(1802465138, 0)" };

/**
 * The first statement of the transaction that creates a log. It locks the row of the log's head, so no node appends
 * until the transaction ends.
 */
const CREATE_HEAD = {
  text: `
    INSERT INTO koor.log_head (name, generation, seq) VALUES ($1, $2, 0)
    ON CONFLICT (name) DO UPDATE SET generation = excluded.generation, seq = 0`,
};

/** The statements that delete the previous log of the same name. */
const DROPS = [
  { text: "DELETE FROM koor.log_entry WHERE name = $1" },
  {
    text: "DELETE FROM koor.snapshot_piece WHERE snapshot IN (SELECT id FROM koor.snapshot WHERE name = $1)",
  },
  { text: "DELETE FROM koor.snapshot WHERE name = $1" },
];

/**
 * Runs `use`, which puts each connection that it opens into the list. If `use` throws, these connections are closed.
 */
async function closingOnError<T>(use: (links: PostgresLink[]) => Promise<T>): Promise<T> {
  const links: PostgresLink[] = [];
  try {
    return await use(links);
  } catch (error) {
    await Promise.all(links.map((link) => link.close()));
    throw error;
  }
}

function openSession(target: PostgresTarget, name: string, listener: LogListener): Promise<LogSession | null> {
  return closingOnError(async (links) => {
    const first = await connectToServer(target);
    links.push(first.link);
    const warnings = checkServer(target, first);
    const [found] = (await tablesExist(first.link))
      ? await first.link.ask<{ generation: string; first: number; last: number }>(STATUS, [name])
      : [];
    if (found === undefined) {
      await first.link.close();
      return null;
    }
    const second = await connectAgain(target, first);
    links.push(second.link);
    await second.link.ask(LISTEN);
    for (const { ended } of links) if (ended !== null) throw ended;
    return new PostgresSession({
      name,
      status: { ...found, warnings },
      listener,
      appending: first.link,
      appendingPid: first.facts.pid,
      following: second.link,
      connect: async () => (await connectAgain(target, first)).link,
    });
  });
}

function createLog(target: PostgresTarget, name: string, generation: string): Promise<void> {
  return closingOnError(async (links) => {
    const server = await connectToServer(target);
    const { link } = server;
    links.push(link);
    checkServer(target, server);
    const patience = { answerMsMax: POSTGRES_CREATE_MS_MAX };
    await link.ask({ text: "BEGIN" });
    await link.ask({ text: "SELECT set_config('statement_timeout', $1, true)" }, [String(POSTGRES_CREATE_MS_MAX)]);
    await link.ask(LOCK_CREATION, [], patience);
    await createTables(link);
    await link.ask(CREATE_HEAD, [name, generation], patience);
    for (const drop of DROPS) await link.ask(drop, [name], patience);
    await link.ask({ text: "COMMIT" }, [], patience);
    await link.close();
  });
}

/**
 * Returns the log of a cluster in a PostgreSQL database. Does not connect to it yet.
 * @param address `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?sslmode=...]`. The hosts are tried
 * in order until one accepts writes. If the address has a file with credentials, its first line is the password.
 * @throws LogError if the URL is invalid
 */
export function postgresLog(address: LogAddress): OrderedLog {
  const target = parsePostgresAddress(address);
  return {
    open: (listener) => openSession(target, address.name, listener),
    create: (generation) => createLog(target, address.name, generation),
    snapshots: new PostgresSnapshots(target, address.name),
  };
}
