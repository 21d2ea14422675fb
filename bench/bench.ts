/**
 * The environment of a scenario: its settings, and all that it may start. It keeps a list of all processes and
 * directories, so that nothing is left of them after a scenario, a failure or Ctrl-C. targets/ says how each server is
 * started. Runs in the bench process.
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
/** The directory of the bundled server: `dist/app`. */
export const APP = fileURLToPath(new URL("../../app/", import.meta.url));

export interface Tools {
  /** The paths of the programs that were found on this machine's PATH. A program that was not found is undefined. */
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

  /** Makes an empty directory. The end of the scenario removes it. */
  makeDirectory(name: string): string {
    const path = mkdtempSync(join(tmpdir(), `koor-bench-${name}-`));
    this.#directories.add(path);
    return path;
  }

  /**
   * Registers a function that runs at the end of the scenario. The function that was registered last runs first. The
   * helpers of the tests need this method, so that a benchmark can start the tests' servers.
   */
  teardown(done: () => Promise<void> | void): void {
    this.#teardowns.push(done);
  }

  /** Records that a part of a scenario is not measured, and the reason. */
  skip(reason: string): void {
    this.#skipped.add(reason);
  }

  /** Returns the reasons that `skip` has recorded since the previous call. */
  takeSkipped(): readonly string[] {
    const skipped = [...this.#skipped];
    this.#skipped.clear();
    return skipped;
  }

  /** Starts a program and adds it to the list of processes. */
  start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    this.#refuseWhenClosed();
    return this.#keep(spawn(command, args, options));
  }

  /** Starts a child program of the benchmarks, given by its path in the compiled tree. */
  startJobs(program: string): JobProcess {
    this.#refuseWhenClosed();
    const child = fork(join(TREE, program), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new JobProcess(this.#keep(child), program);
  }

  /** Ends one process: sends SIGTERM, and SIGKILL if the process does not end in time. */
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

  /** Ends every process and removes every directory, so that the next scenario begins with none. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.stop(child)));
    this.#children.clear();
    for (const done of this.#teardowns.splice(0).toReversed()) await done();
    this.#removeDirectories();
  }

  /**
   * Kills every process and removes every directory, synchronously. Called when the bench process exits; nothing can be
   * started after it.
   */
  killAll(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill("SIGKILL");
    // The promises are not awaited, because each function sends its signals synchronously.
    for (const done of this.#teardowns.splice(0).toReversed()) void done();
    this.#removeDirectories();
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    // A program that cannot be started needs no handling here: the caller that waits for its port or its answer fails.
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

/** Returns a loopback port on which no server listens at this moment. */
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
