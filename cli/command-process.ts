/**
 * A command that runs as a process of its own, with this one's stdin, stdout and stderr or with what it is given in
 * their place, and that can be ended with all that it has started. Runs in the command line's process. By hand: Node
 * has process groups, and no way to wait for the end of one.
 */
import type { ChildProcess } from "node:child_process";

import { pause } from "./pause.js";

import { describeSystemError, errorCodeOf } from "./system-error.js";

/** How often it is looked whether what a command has started is gone too. */
const LOOK_MS = 50;

export interface CommandEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a command reads, and who is told what it writes. */
export interface CommandStreams {
  readonly input: string;
  readonly takeOutput: (chunk: Buffer) => void;
  /** What it writes to stderr goes to this process's, too. */
  readonly takeErrors: (chunk: Buffer) => void;
}

/** Windows has no process groups: there only the command itself is reached. */
const HAS_GROUPS = process.platform !== "win32";

export class CommandProcess {
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#closed = new Promise((resolve) => {
      child.once("close", () => resolve());
    });
  }

  /**
   * The running command; what is wrong, in a few words, where it cannot be started.
   * @param streams null: this process's own
   */
  static async start(
    [file = "", ...rest]: readonly string[],
    environment: NodeJS.ProcessEnv,
    streams: CommandStreams | null,
  ): Promise<CommandProcess | string> {
    const { spawn } = await import("node:child_process");
    const stdio = streams === null ? "inherit" : "pipe";
    // A group of its own, so that a signal reaches what the command has started, and not this process.
    const options = { stdio, env: environment, detached: HAS_GROUPS } as const;
    return await new Promise((resolve) => {
      try {
        const child = spawn(file, rest, options);
        if (streams !== null) connect(child, streams);
        const command = new CommandProcess(child);
        child.once("spawn", () => resolve(command));
        child.once("error", (error) => resolve(describeStartError(error)));
      } catch (error) {
        // An argument that no process can have, one with a NUL character.
        resolve(describeStartError(error));
      }
    });
  }

  /** Sends a signal to all that the command has started, itself included. What is gone hears nothing. */
  send(signal: NodeJS.Signals): void {
    if (!HAS_GROUPS) this.#child.kill(signal);
    else this.#sendToGroup(signal);
  }

  /** Waits until all that it wrote has come, for so long at most: what it has started may keep its streams open. */
  async drained(wait_ms: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#closed, pause(wait_ms, over.signal)]);
    over.abort();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Ends all of it: SIGTERM, and SIGKILL for what is left after `grace_ms`. */
  async end(grace_ms: number): Promise<CommandEnd> {
    const until_ms = performance.now() + grace_ms;
    this.send("SIGTERM");
    for (let left_ms = grace_ms; left_ms > 0 && this.#isAlive(); left_ms = until_ms - performance.now()) {
      await new Promise((resolve) => {
        setTimeout(resolve, Math.min(LOOK_MS, left_ms));
      });
    }
    if (this.#isAlive()) this.send("SIGKILL");
    return await this.ended;
  }

  #isAlive(): boolean {
    return HAS_GROUPS ? this.#sendToGroup(0) : this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** False where nobody is left of the group. */
  #sendToGroup(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      // One of another user (EPERM) is there, but not ours to end.
      if (errorCodeOf(error) === "ESRCH" || errorCodeOf(error) === "EPERM") return false;
      throw error;
    }
  }
}

function connect({ stdin, stdout, stderr }: ChildProcess, streams: CommandStreams): void {
  // Who does not read it does not need it.
  stdin?.on("error", () => undefined);
  stdin?.end(streams.input);
  stdout?.on("data", streams.takeOutput);
  stderr?.on("data", streams.takeErrors);
  stderr?.pipe(process.stderr, { end: false });
}

function describeStartError(error: unknown): string {
  return errorCodeOf(error) === "ENOENT" ? "no such program" : describeSystemError(error);
}
