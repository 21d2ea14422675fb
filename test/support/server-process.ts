/**
 * Starts a real server as users do: the built program in its own process, on a free loopback port, with a data
 * directory that is removed afterwards. http-client.ts sends the requests. Runs in the test's process. The server ends
 * with the test, whatever happens.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CLUSTER, IS_FOLLOWER, TRANSPORT } from "./variant.js";
import type { NodeOf } from "./node-variant.js";
import { makeDirectory, tieToThisProcess, type Owner } from "./owner.js";
import { SQLITE_VARIABLE } from "../../src/platform/store/sqlite/choice.js";

export { makeDirectory, type Owner } from "./owner.js";

/** This file runs from dist/tree/test/support. */
export const SERVER_PROGRAM = fileURLToPath(new URL("../../../app/src/main.js", import.meta.url));

/**
 * The time limit for the start or the end of a server. It is far above what a busy machine needs, so a server that
 * takes longer is broken.
 */
const START_TIMEOUT_MS = 30_000;

/** The SQLite library that this run tests, from the environment. */
const SQLITE = process.env[SQLITE_VARIABLE] ?? "auto";

export interface KoorOptions {
  /**
   * Additional flags. They override `--bind 127.0.0.1:0 --dashboard-bind "" --data-dir DIR`. The log level must include
   * `info`.
   */
  readonly args?: readonly string[];
  /**
   * The environment of the server. It gets nothing else from the test's environment, except PATH and the variant of the
   * run.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** A data directory that is not removed afterwards. By default, the server gets a new one. */
  readonly data_dir?: string;
  /** The working directory; the data directory by default. */
  readonly cwd?: string;
  /** Whether reads go only to this server, even if it is the follower of another node. */
  readonly ownReadsOnly?: boolean;
  /** Another program that accepts the same flags; SERVER_PROGRAM by default. */
  readonly program?: string;
  /** A command, with its first arguments, that starts the server and then replaces itself by the server. */
  readonly launcher?: readonly string[];
}

const COMPLAINT = /level"?[=:]"?(?:WARN|ERROR)/i;
const STALLED = /msg"?[=:]"the (?:server did not run|machine slept)/;

const ALONE: NodeOf = { args: [], started: () => undefined };

export interface Koor {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** The port of the dashboard; 0 if the dashboard is off, which is the default. */
  readonly dashboardPort: number;
  readonly data_dir: string;
  /** The transport. With `auto`, the server chooses it. */
  readonly transport: "uws" | "node";
  readonly process: ChildProcess;
  /** Returns everything that was written to stderr, except a node's lines about its log. */
  log(): string;
  /**
   * Returns the warnings and errors, except those about pauses of the process, which other processes on the machine
   * cause.
   */
  complaints(): readonly string[];
  /** Resolves when the log has a match. Rejects if the server ends first. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /**
   * Sends a signal (SIGTERM by default) and waits for the end. Resolves to the exit code, or to null if a signal killed
   * the server.
   */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The output and the exit code of a server that has ended by itself. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function spawnServer(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  program = SERVER_PROGRAM,
  launcher: readonly string[] = [],
): ChildProcess {
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, program, ...args];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", KOOR_TRANSPORT: TRANSPORT, [SQLITE_VARIABLE]: SQLITE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  tieToThisProcess(child);
  return child;
}

/** The text of a stream so far, and the listeners for more text. */
class Output {
  text = "";
  readonly #watchers = new Set<() => void>();

  constructor(stream: NodeJS.ReadableStream | null) {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      this.text += chunk;
      this.wake();
    });
  }

  wake(): void {
    for (const watcher of this.#watchers) watcher();
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** Matches the warning of a node that its log runs on a single machine. In tests the log always does. */
const OF_THE_LOG = /^.*msg"?[=:]"?cluster\b.*(?:one server only|synchronous_standby_names is empty).*\n/gm;

/** The signals with which tests end servers. Any other signal means a crash. */
const SENT: ReadonlySet<NodeJS.Signals> = new Set(["SIGTERM", "SIGINT", "SIGKILL"]);
/** Matches the last line that Node prints after an uncaught error. */
const UNCAUGHT = /^Node\.js v/m;

/**
 * Starts a server and waits until it listens. If the server ends by itself, an error is thrown when the test ends it,
 * or at the end of the test.
 */
export async function startKoor(t: Owner, options: KoorOptions = {}): Promise<Koor> {
  const dataDir = options.data_dir ?? makeDirectory(t);
  // A test about clusters chooses its log itself.
  const isNode = CLUSTER !== "" && options.args?.includes("--cluster") !== true;
  const own = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", dataDir];
  const node = isNode
    ? await (await import("./node-variant.js")).asNode(t, { ...options, data_dir: dataDir }, startKoor)
    : ALONE;
  const args = [...own, ...node.args, ...(options.args ?? [])];
  const child = spawnServer(args, options.cwd ?? dataDir, options.env ?? {}, options.program, options.launcher);
  const output = new Output(child.stderr);
  child.stdout?.resume();
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    // `close` is emitted after the last line was read.
    child.once("close", (code) => {
      ended = true;
      resolve(code);
      output.wake();
    });
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    if (!ended) child.kill(signal);
    const code = await exited;
    const { signalCode } = child;
    if (signalCode === null ? UNCAUGHT.test(output.text) : !SENT.has(signalCode))
      throw new Error(`the server died of ${signalCode ?? "an uncaught error"}: ${output.text}`);
    return code;
  };
  t.teardown(async () => {
    await stop("SIGKILL");
  });

  const logged = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      let unwatch: () => void = () => undefined;
      const check = (): void => {
        const match = pattern.exec(output.text);
        if (match === null && !ended) return;
        unwatch();
        if (match === null)
          reject(
            new Error(
              `the server ended with ${child.exitCode ?? child.signalCode} before it logged ${pattern}: ${output.text}`,
            ),
          );
        else resolve(match);
      };
      unwatch = output.watch(check);
      check();
    });
  const patience = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  void exited.then(() => clearTimeout(patience));
  const [line] = await logged(/.*koor listening.*\n/);
  // On a busy machine, the node may listen before it is ready. Until then it refuses writes.
  if (isNode) {
    await logged(/^(?=.*msg"?[=:]"?node\b(?! leads)).*state"?[=:]"?ok/m);
    if (!IS_FOLLOWER) await logged(/node leads/);
  }
  clearTimeout(patience);
  const portOf = (name: string): number => Number(new RegExp(`\\b${name}"?[=:]"?[^\\s"]*:(\\d+)`).exec(line)?.[1] ?? 0);
  const port = portOf("api");
  node.started(port);
  const log = (): string => output.text.replaceAll(OF_THE_LOG, "");
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    dashboardPort: portOf("dashboard"),
    data_dir: dataDir,
    transport: /\btransport"?[=:]"?uws\b/.test(line) ? "uws" : "node",
    process: child,
    log,
    complaints: () =>
      log()
        .split("\n")
        .filter((loggedLine) => COMPLAINT.test(loggedLine) && !STALLED.test(loggedLine)),
    logged,
    stop,
  };
}

/** Runs a server that is expected to end by itself. If it serves instead, it is killed, and its exit code is null. */
export async function runKoor(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawnServer(args, cwd, env);
  const stdout = new Output(child.stdout);
  const stderr = new Output(child.stderr);
  stderr.watch(() => {
    if (stderr.text.includes("koor listening")) child.kill("SIGKILL");
  });
  const patience = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(patience);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
