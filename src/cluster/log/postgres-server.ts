/**
 * Connects to the PostgreSQL server that accepts writes, applies the session settings that the log needs, and checks
 * whether the server is reliable. Runs in the thread that opens the log or its snapshots.
 */
import { POSTGRES_STATEMENT_MS_MAX } from "../../../schemas/limits/ordered-log.js";
import { must } from "../../base/assert.js";
import { LogError } from "./ordered-log.js";
import {
  readPostgresSecrets,
  type PostgresHost,
  type PostgresSecrets,
  type PostgresTarget,
} from "./postgres-address.js";
import { describeServer, PostgresLink } from "./postgres-link.js";

/** The facts that a server reports. */
export interface ServerFacts {
  /** The version as a number, for example 150004 for 15.4. */
  readonly version: number;
  readonly version_text: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  /** The value of `synchronous_commit` that new sessions have by default. */
  readonly synchronous_commit: string;
  readonly standby_names: string;
  readonly standby: boolean;
  /** The time at which the server was started. A new value means that the server was restarted or replaced. */
  readonly started: string;
  /** The id of the server process that serves this connection. */
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

/**
 * The statement that applies the settings to the session. It skips settings that this version of PostgreSQL does not
 * have.
 */
const SET = {
  text: `
    SELECT set_config(wanted.name, wanted.value, false)
    FROM unnest($1::text[], $2::text[]) AS wanted (name, value) JOIN pg_settings USING (name)`,
};

/**
 * With these values of `synchronous_commit`, a commit waits at least for this server's disk. Koor keeps such a value if
 * the operator has chosen it.
 */
const DURABLE_COMMITS: ReadonlySet<string> = new Set(["remote_write", "on", "remote_apply"]);

/**
 * The settings that Koor sets on every connection. They override the defaults of the server, the database and the role.
 */
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
  // Make every statement use the primary keys. A plan that was made while the table was empty would otherwise scan the
  // whole table later.
  ["enable_seqscan", "off"],
  ["enable_bitmapscan", "off"],
  ["plan_cache_mode", "force_generic_plan"],
  ["jit", "off"],
];

/** The warnings about a server's set-up, each with the condition under which it is shown. */
const WARNINGS: readonly (readonly [applies: (facts: ServerFacts) => boolean, warning: string])[] = [
  [
    ({ full_page_writes }) => full_page_writes === "off",
    "full_page_writes is off: a power failure may damage pages of the log",
  ],
  [
    ({ synchronous_commit }) => !DURABLE_COMMITS.has(synchronous_commit),
    "synchronous_commit is off or local by default: Koor's own connections set it to on",
  ],
  [
    ({ standby_names }) => standby_names === "",
    "synchronous_standby_names is empty: acknowledged entries are on one machine only, and are lost with its disk",
  ],
];

/** A host that was skipped, with the reason. */
interface Skipped {
  readonly fault: "unreachable" | "unsafe";
  readonly reason: string;
}

/** Sets up a new connection; returns null if its server accepts no writes. */
async function prepare(link: PostgresLink, host: PostgresHost): Promise<Connected | null> {
  const facts = must((await link.ask<ServerFacts>(FACTS))[0], "one row");
  if (facts.standby) return null;
  const commit = DURABLE_COMMITS.has(facts.synchronous_commit) ? facts.synchronous_commit : "on";
  const settings = [...SETTINGS, ["synchronous_commit", commit] as const];
  await link.ask(SET, [settings.map(([name]) => name), settings.map(([, value]) => value)]);
  return { link, host, facts };
}

async function connectToHost(
  target: PostgresTarget,
  host: PostgresHost,
  secrets: PostgresSecrets,
): Promise<Connected | Skipped> {
  let link: PostgresLink | null = null;
  try {
    link = await PostgresLink.connect(target, host, secrets);
    const connected = await prepare(link, host);
    if (connected !== null) return connected;
    await link.close();
    return { fault: "unsafe", reason: `${describeServer(target, host)} is a standby and takes no writes` };
  } catch (error) {
    await link?.close();
    // Skip a host only if it is unreachable. If it rejects the credentials, fail, even if another host would accept
    // them.
    if (!(error instanceof LogError) || error.fault !== "unreachable") throw error;
    return { fault: error.fault, reason: error.message };
  }
}

/**
 * Connects to the first host that answers and accepts writes.
 * @throws LogError; with fault "unsafe" if the only host is a standby
 */
export async function connectToServer(target: PostgresTarget): Promise<Connected> {
  const secrets = await readPostgresSecrets(target);
  const skipped: Skipped[] = [];
  for (const host of target.hosts) {
    const outcome = await connectToHost(target, host, secrets);
    if ("link" in outcome) return outcome;
    skipped.push(outcome);
  }
  const [only] = skipped;
  // With several hosts, a retry may succeed. During a failover no host accepts writes, and afterwards one does.
  const fault = skipped.length === 1 && only !== undefined ? only.fault : "unreachable";
  throw new LogError(fault, skipped.map(({ reason }) => reason).join("; "));
}

/**
 * Opens another connection to the same server.
 * @throws LogError if the server was restarted or replaced since
 */
export async function connectAgain(target: PostgresTarget, { host, facts }: Connected): Promise<Connected> {
  const outcome = await connectToHost(target, host, await readPostgresSecrets(target));
  if (!("link" in outcome)) throw new LogError("unreachable", outcome.reason);
  if (outcome.facts.started === facts.started) return outcome;
  await outcome.link.close();
  throw new LogError("unreachable", `${describeServer(target, host)} was started again, or is several servers`);
}

/**
 * Checks whether the server stores acknowledged writes durably.
 * @returns warnings for the operator, one line each
 * @throws LogError
 */
export function checkServer(target: PostgresTarget, { link, host, facts }: Connected): readonly string[] {
  const where = describeServer(target, host);
  // Reject a connection pooler. It may run the next statement in another server process, without this session's
  // settings.
  if (link.greetedPid !== facts.pid)
    throw new LogError("unsafe", `${where} is reached through a pooler: Koor needs direct connections to the server`);
  if (facts.version < VERSION_MIN)
    throw new LogError(
      "too_old",
      `${where} is version ${facts.version_text}: Koor needs ${VERSION_MIN / 10_000} or newer`,
    );
  if (facts.fsync === "off")
    throw new LogError("unsafe", `${where} has fsync = off: it would lose acknowledged entries, set it to on`);
  return WARNINGS.filter(([applies]) => applies(facts)).map(([, warning]) => `${where}: ${warning}`);
}
