/**
 * Starts a real server as users run it: the built program in a process of its own, on a free port of loopback, with a
 * data directory that is removed afterwards. Runs in the test's process, and ends with the test whatever happens in it.
 * Requests are sent by http-client.ts.
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

/** A server that neither listens nor ends within this time is broken; a busy machine needs far less. */
const START_TIMEOUT_MS = 30_000;

/** The SQLite binding that the run is about, from the environment. */
const SQLITE = process.env[SQLITE_VARIABLE] ?? "auto";

export interface KoorOptions {
  /**
   * Flags after `--bind 127.0.0.1:0 --dashboard-bind "" --data-dir DIR`, which they override. The log level must let
   * `info` through.
   */
  readonly args?: readonly string[];
  /**
   * The whole environment but for PATH and the run's variant; the server gets nothing of the test's own environment.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** A data directory that stays after the server; a new one by default. */
  readonly data_dir?: string;
  /** The working directory; the data directory by default. */
  readonly cwd?: string;
  /** Reads go to this server only, even where it is the follower of another node. */
  readonly ownReadsOnly?: boolean;
  /** Another program that takes the same flags; SERVER_PROGRAM by default. */
  readonly program?: string;
  /** A command with its first arguments that starts the server and replaces itself by it. */
  readonly launcher?: readonly string[];
}

const COMPLAINT = /level"?[=:]"?(?:WARN|ERROR)/i;
const STALLED = /msg"?[=:]"the server did not run,/;

const ALONE: NodeOf = { args: [], started: () => undefined };

export interface Koor {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** The dashboard's port; 0 where the dashboard is off, as it is by default. */
  readonly dashboardPort: number;
  readonly data_dir: string;
  /** The transport; under `auto` the server chooses. */
  readonly transport: "uws" | "node";
  readonly process: ChildProcess;
  /** Everything that was written to stderr, without a node's lines about its log. */
  log(): string;
  /** Its warnings and errors, without those that it did not run for a while: other processes use the machine, too. */
  complaints(): readonly string[];
  /** Resolves when the log has a match. Rejects when the server ends before. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal (SIGTERM) and waits for the end: the exit code, null where a signal killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The output and exit code of a server that ended by itself. */
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

/** The text of a stream until now, and the listeners to more of it. */
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

/** A node's warning about a log on one machine, which is the only kind of log in a run, for either log. */
const OF_THE_LOG = /^.*msg"?[=:]"?cluster\b.*(?:one server only|synchronous_standby_names is empty).*\n/gm;

/** Signals that tests end servers with; any other signal is a crash, at any time. */
const SENT: ReadonlySet<NodeJS.Signals> = new Set(["SIGTERM", "SIGINT", "SIGKILL"]);
/** Node's last line after an uncaught error. */
const UNCAUGHT = /^Node\.js v/m;

/**
 * Starts a server and waits until it listens. Its end, at the latest that of the test, throws where the server had
 * ended by itself.
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
  // On a busy machine it may listen earlier, and refuses writes until then.
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

/** Runs a server that is expected to end by itself. One that serves instead is killed, and its code is null. */
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
