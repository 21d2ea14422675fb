/**
 * Connections to the server that takes writes, set up as the log needs them, and the judgement whether that server can
 * be relied on. Runs in the thread that opens the log or its snapshots.
 */
import { POSTGRES_STATEMENT_MS_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { LogError } from "./ordered-log.js";
import {
  readPostgresSecrets,
  type PostgresHost,
  type PostgresSecrets,
  type PostgresTarget,
} from "./postgres-address.js";
import { describeServer, PostgresLink } from "./postgres-link.js";

/** What a server says of itself. */
export interface ServerFacts {
  /** 150004 for 15.4. */
  readonly version: number;
  readonly version_text: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  /** What sessions have that do not ask for anything else. */
  readonly synchronous_commit: string;
  readonly standby_names: string;
  readonly standby: boolean;
  /** When it was started, by which one server is told from another. */
  readonly started: string;
  /** Of this connection. */
  readonly pid: number;
}

export interface Connected {
  readonly link: PostgresLink;
  readonly host: PostgresHost;
  readonly facts: ServerFacts;
}

const VERSION_MIN = 130_000;

const FACTS = {
  text: `
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
      current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('synchronous_standby_names') AS standby_names, pg_is_in_recovery() AS standby,
      pg_postmaster_start_time()::text AS started, pg_backend_pid() AS pid`,
};

/** Settings that a version does not have are left out. */
const SET = {
  text: `
    SELECT set_config(wanted.name, wanted.value, false)
    FROM unnest($1::text[], $2::text[]) AS wanted (name, value) JOIN pg_settings USING (name)`,
};

/** Of what `synchronous_commit` can be, what waits for this server's disk at least: it stays as it was chosen. */
const COMMITS_KEPT: ReadonlySet<string> = new Set(["remote_write", "on", "remote_apply"]);

/** What every connection has, whatever the server, the database or the role has by default. */
const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ["search_path", ""],
  ["bytea_output", "hex"],
  ["client_min_messages", "warning"],
  ["default_transaction_isolation", "read committed"],
  ["default_transaction_read_only", "off"],
  ["statement_timeout", String(POSTGRES_STATEMENT_MS_MAX)],
  ["idle_in_transaction_session_timeout", String(POSTGRES_STATEMENT_MS_MAX)],
  ["idle_session_timeout", "0"],
  ["lock_timeout", "0"],
  // A plan that was made while a table was empty would read all of it later: everything goes by the primary keys.
  ["enable_seqscan", "off"],
  ["enable_bitmapscan", "off"],
  ["plan_cache_mode", "force_generic_plan"],
  ["jit", "off"],
];

/** What is said of how a server is set up, where it is worth a word. */
const WARNINGS: readonly (readonly [applies: (facts: ServerFacts) => boolean, warning: string])[] = [
  [
    ({ full_page_writes }) => full_page_writes === "off",
    "full_page_writes is off: a power failure may damage pages of the log",
  ],
  [
    ({ synchronous_commit }) => !COMMITS_KEPT.has(synchronous_commit),
    "synchronous_commit is off or local by default: Koor's own connections set it to on",
  ],
  [
    ({ standby_names }) => standby_names === "",
    "synchronous_standby_names is empty: what is acknowledged is on one machine, and is lost with its disk",
  ],
];

/** Why a host is not the one. */
interface Passed {
  readonly fault: "unreachable" | "unsafe";
  readonly reason: string;
}

/** Sets a new connection up; null where its server takes no writes. */
async function prepare(link: PostgresLink, host: PostgresHost): Promise<Connected | null> {
  const facts = must((await link.ask<ServerFacts>(FACTS))[0], "one row");
  if (facts.standby) return null;
  const commit = COMMITS_KEPT.has(facts.synchronous_commit) ? facts.synchronous_commit : "on";
  const settings = [...SETTINGS, ["synchronous_commit", commit] as const];
  await link.ask(SET, [settings.map(([name]) => name), settings.map(([, value]) => value)]);
  return { link, host, facts };
}

async function connectToHost(
  target: PostgresTarget,
  host: PostgresHost,
  secrets: PostgresSecrets,
): Promise<Connected | Passed> {
  let link: PostgresLink | null = null;
  try {
    link = await PostgresLink.connect(target, host, secrets);
    const connected = await prepare(link, host);
    if (connected !== null) return connected;
    await link.close();
    return { fault: "unsafe", reason: `${describeServer(target, host)} is a standby and takes no writes` };
  } catch (error) {
    await link?.close();
    // A server that refuses who asks is not got around by asking the next one.
    if (!(error instanceof LogError) || error.fault !== "unreachable") throw error;
    return { fault: error.fault, reason: error.message };
  }
}

/**
 * Connects to the first host that answers and takes writes.
 * @throws LogError; "unsafe" where the only host is a standby
 */
export async function connectToServer(target: PostgresTarget): Promise<Connected> {
  const secrets = await readPostgresSecrets(target);
  const passed: Passed[] = [];
  for (const host of target.hosts) {
    const outcome = await connectToHost(target, host, secrets);
    if ("link" in outcome) return outcome;
    passed.push(outcome);
  }
  const [only] = passed;
  // With several hosts a failover may be under way: one of them will take writes.
  const fault = passed.length === 1 && only !== undefined ? only.fault : "unreachable";
  throw new LogError(fault, passed.map(({ reason }) => reason).join("; "));
}

/**
 * One more connection to a server.
 * @throws LogError where it is not the same one any more
 */
export async function connectAgain(target: PostgresTarget, { host, facts }: Connected): Promise<Connected> {
  const outcome = await connectToHost(target, host, await readPostgresSecrets(target));
  if (!("link" in outcome)) throw new LogError("unreachable", outcome.reason);
  if (outcome.facts.started === facts.started) return outcome;
  await outcome.link.close();
  throw new LogError("unreachable", `${describeServer(target, host)} was started again, or is several servers`);
}

/**
 * Judges whether a server keeps what it acknowledges.
 * @returns what the operator is to know, a line each
 * @throws LogError
 */
export function judgeServer(target: PostgresTarget, { link, host, facts }: Connected): readonly string[] {
  const where = describeServer(target, host);
  // The next statement of a connection that is pooled may be carried out by another process, without the settings.
  if (link.greeted_pid !== facts.pid)
    throw new LogError("unsafe", `${where} is reached through a pooler: Koor needs connections to the server itself`);
  if (facts.version < VERSION_MIN)
    throw new LogError(
      "too_old",
      `${where} is version ${facts.version_text}: Koor needs ${VERSION_MIN / 10_000} or newer`,
    );
  if (facts.fsync === "off")
    throw new LogError("unsafe", `${where} has fsync = off: it would lose what it has acknowledged, set it to on`);
  return WARNINGS.filter(([applies]) => applies(facts)).map(([, warning]) => `${where}: ${warning}`);
}
