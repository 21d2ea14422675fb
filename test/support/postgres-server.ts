/**
 * A real PostgreSQL server for tests, from the programs on this machine. It has its own data directory, which is
 * deleted afterwards. It listens on a free loopback port and on a socket in its folder. Runs in the test's process, and
 * always ends with the test. Without PostgreSQL, the tests that need it are skipped with a message.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { findFreePort } from "./free-ports.js";
import { tieToThisProcess, type Owner } from "./owner.js";

/** The folder in which Debian has a folder for each version. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";
/**
 * The users under which root can start a server, because PostgreSQL refuses to run as root. The first one that exists
 * is used.
 */
const OWNERS = ["postgres", "nobody"];
/** The time limit for the start. It is far above what a busy machine needs, so a server that takes longer is broken. */
const START_TIMEOUT_MS = 60_000;
/** Matches the log line of a server that is ready. A standby reports that it accepts read-only connections. */
const READY = /database system is ready to accept (read-only )?connections/;

export interface PostgresServer {
  readonly port: number;
  /** The id of the main process, which is the parent of the others; undefined if the server was ended. */
  readonly pid: number | undefined;
  /** The folder of the server's socket. */
  readonly folder: string;
  /** The URL for the user `postgres` and the database `postgres`. The server needs no password. */
  readonly url: string;
  /** Runs SQL statements without parameters as this user, by default in the database `postgres`. */
  sql<Row extends object>(text: string, database?: string): Promise<Row[]>;
  /** Kills all processes of the server at once, like a power failure. */
  kill(): Promise<void>;
  /** Freezes all processes of the server, like a machine that hangs. */
  freeze(): void;
  thaw(): void;
  /** Shuts the server down normally. */
  stop(): Promise<void>;
  /** Allows the test's process to end first. The server then ends too. */
  unref(): void;
  /** Restarts the server after it was ended. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
}

function findPrograms(): string | undefined {
  const named = process.env["KOOR_POSTGRES_BIN"];
  if (named !== undefined && named !== "") return named;
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  return [
    ...(process.env["PATH"] ?? "").split(":"),
    ...versions.toSorted((one, other) => Number(other) - Number(one)).map((name) => join(DEBIAN_FOLDER, name, "bin")),
  ].find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Returns the user for the server; null means the current user, and undefined that there is none. */
function findOwner(): Identity | null | undefined {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const found = OWNERS.map((name) => users.find((line) => line.startsWith(`${name}:`))).find(
    (line) => line !== undefined,
  );
  const [, , uid, gid] = found?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** For tap's `skip`: the reason why tests of PostgreSQL cannot run here, or false. */
export function postgresMissing(): string | false {
  if (process.platform === "win32") return "the tests of PostgreSQL are for Unix";
  if (findPrograms() === undefined) return "no PostgreSQL server on this machine (or set KOOR_POSTGRES_BIN)";
  return findOwner() === undefined ? "PostgreSQL does not run as root, and there is no other user" : false;
}

/** Returns the child processes. Each of them has its own process group, so they are found by their parent. */
function childrenOf(pid: number): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // The process may have ended since it was listed.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Starts a server with these settings. It ends with the test. */
export async function startPostgres(
  t: Owner,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const programs = findPrograms();
  const owner = findOwner();
  if (programs === undefined || owner === undefined) throw new Error("there is no PostgreSQL");
  const folder = mkdtempSync(join(tmpdir(), "koor-postgres-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (owner !== null) chownSync(data, owner.uid, owner.gid);
  const identity = { ...owner, cwd: folder, env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" } };
  execFileSync(
    join(programs, "initdb"),
    ["-D", data, "-A", "trust", "-U", "postgres", "--locale=C", "--encoding=UTF8"],
    { ...identity, stdio: ["ignore", "ignore", "inherit"] },
  );
  const port = await findFreePort();

  let child: ChildProcess | null = null;
  let testEnded = false;
  const pids = (): number[] => (child?.pid === undefined ? [] : [child.pid, ...childrenOf(child.pid)]);
  const hasExited = async (): Promise<void> => {
    if (child !== null && child.exitCode === null && child.signalCode === null) await once(child, "exit");
    child = null;
  };
  const kill = async (): Promise<void> => {
    signal(pids(), "SIGKILL");
    await hasExited();
  };
  const start = async (changed: Readonly<Record<string, string>> = settings): Promise<void> => {
    // A test that ran out of time may still call this.
    if (testEnded) throw new Error("the test has ended");
    const parameters = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: folder,
      shared_buffers: "32MB",
      ...changed,
    };
    const started = spawn(
      join(programs, "postgres"),
      [
        "-D",
        data,
        "-p",
        String(port),
        ...Object.entries(parameters).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
      ],
      // The server is not in the process group of the test. A signal to that group would end it but not its children,
      // which have their own groups.
      { ...identity, stdio: ["ignore", "ignore", "pipe"], detached: true },
    );
    child = started;
    tieToThisProcess(started, "with_children");
    let log = "";
    const patience = setTimeout(() => started.kill("SIGKILL"), START_TIMEOUT_MS);
    await new Promise<void>((resolve, reject) => {
      started.stderr.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-4_000);
        if (READY.test(log)) resolve();
      });
      started.once("close", () => reject(new Error(`PostgreSQL ended before it was ready: ${log}`)));
    });
    clearTimeout(patience);
  };
  t.teardown(() => {
    testEnded = true;
    return kill();
  });
  await start();

  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    port,
    get pid() {
      return child?.pid;
    },
    folder,
    url,
    kill,
    start,
    unref: () => {
      child?.unref();
      (child?.stderr as Socket | null | undefined)?.unref();
    },
    freeze: () => signal(pids(), "SIGSTOP"),
    thaw: () => signal(pids(), "SIGCONT"),
    stop: async () => {
      // SIGINT requests a fast shutdown: connections are cut, but nothing is lost.
      child?.kill("SIGINT");
      await hasExited();
    },
    sql: async <Row extends object>(text: string, database = "postgres"): Promise<Row[]> => {
      const client = new Client({ host: "127.0.0.1", port, user: "postgres", database, password: "-" });
      await client.connect();
      try {
        return (await client.query<Row>(text)).rows;
      } finally {
        await client.end();
      }
    },
  };
}
