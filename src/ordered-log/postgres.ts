/**
 * The ordered log in PostgreSQL, which is used as a log and nothing else: a table of entries whose ids a locked row
 * gives out, NOTIFY to tell of them, and snapshots in pieces beside it. Runs in the writer's thread; it is loaded only
 * where a cluster asks for it, since it loads the client library.
 */
import { POSTGRES_CREATE_MS_MAX } from "../../schemas/limits.js";
import type { LogAddress, LogListener, LogSession, OrderedLog } from "./ordered-log.js";
import { parsePostgresAddress, type PostgresTarget } from "./postgres-address.js";
import type { PostgresLink } from "./postgres-link.js";
import { connectAgain, connectToServer, judgeServer } from "./postgres-server.js";
import { LISTEN, PostgresSession } from "./postgres-session.js";
import { PostgresSnapshots } from "./postgres-snapshots.js";
import { lookForTables, makeTables } from "./postgres-tables.js";

const STATUS = {
  text: `
    SELECT generation, seq AS last,
      coalesce((SELECT min(entry.seq) FROM koor.log_entry AS entry WHERE entry.name = $1), head.seq + 1) AS first
    FROM koor.log_head AS head WHERE head.name = $1`,
};

/** So that of two who make tables one waits for the other; a number that nobody else is likely to lock. */
const LOCK_MAKING = { text: "SELECT pg_advisory_xact_lock(1802465138, 0)" };

/** Carried out first: from here on nobody appends until the transaction ends. */
const MAKE_HEAD = {
  text: `
    INSERT INTO koor.log_head (name, generation, seq) VALUES ($1, $2, 0)
    ON CONFLICT (name) DO UPDATE SET generation = excluded.generation, seq = 0`,
};

/** What was there under the name. */
const DROPS = [
  { text: "DELETE FROM koor.log_entry WHERE name = $1" },
  {
    text: "DELETE FROM koor.snapshot_piece WHERE snapshot IN (SELECT id FROM koor.snapshot WHERE name = $1)",
  },
  { text: "DELETE FROM koor.snapshot WHERE name = $1" },
];

/** Carries out `use`, and closes the connections that it has put into the list where it throws. */
async function holding<T>(use: (links: PostgresLink[]) => Promise<T>): Promise<T> {
  const links: PostgresLink[] = [];
  try {
    return await use(links);
  } catch (error) {
    await Promise.all(links.map((link) => link.close()));
    throw error;
  }
}

function openSession(target: PostgresTarget, name: string, listener: LogListener): Promise<LogSession | null> {
  return holding(async (links) => {
    const first = await connectToServer(target);
    links.push(first.link);
    const warnings = judgeServer(target, first);
    const [found] = (await lookForTables(first.link))
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
      appending_pid: first.facts.pid,
      following: second.link,
      connect: async () => (await connectAgain(target, first)).link,
    });
  });
}

function createLog(target: PostgresTarget, name: string, generation: string): Promise<void> {
  return holding(async (links) => {
    const server = await connectToServer(target);
    const { link } = server;
    links.push(link);
    judgeServer(target, server);
    const patience = { answer_ms_max: POSTGRES_CREATE_MS_MAX };
    await link.ask({ text: "BEGIN" });
    await link.ask({ text: "SELECT set_config('statement_timeout', $1, true)" }, [String(POSTGRES_CREATE_MS_MAX)]);
    await link.ask(LOCK_MAKING, [], patience);
    await makeTables(link);
    await link.ask(MAKE_HEAD, [name, generation], patience);
    for (const drop of DROPS) await link.ask(drop, [name], patience);
    await link.ask({ text: "COMMIT" }, [], patience);
    await link.close();
  });
}

/**
 * The log of a cluster in a PostgreSQL database.
 * @param address `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?sslmode=...]`; hosts are tried in
 * turn until one takes writes. The first line of the file of credentials, where there is one, is the password.
 * @throws LogError where the URL cannot be used
 */
export function postgresLog(address: LogAddress): OrderedLog {
  const target = parsePostgresAddress(address);
  return {
    open: (listener) => openSession(target, address.name, listener),
    create: (generation) => createLog(target, address.name, generation),
    snapshots: new PostgresSnapshots(target, address.name),
  };
}
