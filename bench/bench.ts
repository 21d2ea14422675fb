/**
 * The environment of a scenario: its settings, and everything that it may start. It keeps a list of all processes and
 * directories, so that the end of a scenario, a failure or Ctrl-C leaves none of them. Runs in the bench process; what
 * each server is stays in targets/.
 */
import { type ChildProcess, fork, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TransportChoice } from "../schemas/config.js";
import { JobProcess } from "./job-process.js";
import type { Settings } from "./settings.js";
import { STOP_TIMEOUT_MS } from "./settings.js";

/** The compiled tree that this program runs from: `dist/tree`. */
export const TREE = fileURLToPath(new URL("..", import.meta.url));
/** Where the bundled server is: `dist/app`. */
export const APP = fileURLToPath(new URL("../../app/", import.meta.url));

export interface Tools {
  /** Paths of programs that are on this machine's PATH; undefined for a program that is not. */
  readonly wrk: string | undefined;
  readonly redisServer: string | undefined;
  readonly redisBenchmark: string | undefined;
  readonly etcd: string | undefined;
}

export class Bench {
  readonly settings: Settings;
  readonly tools: Tools;
  /** Prints one line of progress. */
  readonly progress: (line: string) => void;
  /** The transport that Koor uses. */
  transport: TransportChoice = "auto";
  readonly #children = new Set<ChildProcess>();
  readonly #directories = new Set<string>();
  #teardowns: (() => Promise<void> | void)[] = [];
  readonly #skipped = new Set<string>();
  #closed = false;

  constructor(settings: Settings, tools: Tools, progress: (line: string) => void) {
    this.settings = settings;
    this.tools = tools;
    this.progress = progress;
  }

  /** A new empty directory that is removed with everything else. */
  makeDirectory(name: string): string {
    const path = mkdtempSync(join(tmpdir(), `koor-bench-${name}-`));
    this.#directories.add(path);
    return path;
  }

  /**
   * Registers `end` to run when everything ends, after the functions that were registered later. Tests' helpers need
   * this, so that their servers can be started here, too.
   */
  teardown(done: () => Promise<void> | void): void {
    this.#teardowns.push(done);
  }

  /** Records a part of a scenario that is not measured, and the reason. */
  skip(reason: string): void {
    this.#skipped.add(reason);
  }

  /** Returns what was skipped since the previous call. */
  takeSkipped(): readonly string[] {
    const skipped = [...this.#skipped];
    this.#skipped.clear();
    return skipped;
  }

  /** Starts a program and keeps it in the list. */
  start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    this.#refuseWhenClosed();
    return this.#keep(spawn(command, args, options));
  }

  /** Starts one of the benchmarks' own child programs, given by its path in the tree. */
  startJobs(program: string): JobProcess {
    this.#refuseWhenClosed();
    const child = fork(join(TREE, program), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new JobProcess(this.#keep(child), program);
  }

  /** Ends one process: SIGTERM, and SIGKILL when it does not end in time. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const patience = new AbortController();
    await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await ended;
    }
  }

  /** Ends everything that was started and removes every directory. The next scenario starts with none. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.stop(child)));
    this.#children.clear();
    for (const done of this.#teardowns.splice(0).toReversed()) await done();
    this.#removeDirectories();
  }

  /** Does the same synchronously and for good, when the process exits. */
  killAll(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill("SIGKILL");
    // The promises are not awaited: what the functions do synchronously is to send the signals.
    for (const done of this.#teardowns.splice(0).toReversed()) void done();
    this.#removeDirectories();
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    // The caller that waits for the program's port or its answer notices a program that cannot be started.
    child.on("error", () => this.#children.delete(child));
    return child;
  }

  #removeDirectories(): void {
    for (const path of this.#directories) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    this.#directories.clear();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new Error("the run is being stopped");
  }
}

/** A loopback port that nothing listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a listening socket has a port");
  return address.port;
}
