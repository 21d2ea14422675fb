/**
 * Runs a command as a child process, with inherited or piped streams. Can end the command together with its
 * descendants. Node can signal a process group but cannot wait for its end, so this module polls. Runs in the CLI
 * process.
 */
import type { ChildProcess, StdioOptions } from "node:child_process";

import { pause } from "./pause.js";

import { describeSystemError, errorCodeOf } from "./system-error.js";

/** The interval between two checks whether the process group has ended, in ms. */
const LOOK_MS = 50;

export interface CommandEnd {
  /** The exit code; null if a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The command's input, and the callbacks that receive its output. */
export interface CommandStreams {
  /** The text that the command reads from stdin. If it is null, the command inherits the stdin of this process. */
  readonly input: string | null;
  readonly takeOutput: (chunk: Buffer) => void;
  /** Receives the command's stderr. The same bytes are also copied to the stderr of this process. */
  readonly takeErrors: (chunk: Buffer) => void;
}

/** Whether the system has process groups. Windows has none, so a signal reaches only the command itself there. */
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
   * Starts the command. Returns the running process, or a short reason why it cannot start.
   * @param streams null makes the command inherit this process's streams
   * @param folder the command's working directory; by default that of this process
   */
  static async start(
    [file = "", ...rest]: readonly string[],
    environment: NodeJS.ProcessEnv,
    streams: CommandStreams | null,
    folder?: string,
  ): Promise<CommandProcess | string> {
    const { spawn } = await import("node:child_process");
    const input = streams?.input === null ? "inherit" : "pipe";
    const stdio: StdioOptions = streams === null ? "inherit" : [input, "pipe", "pipe"];
    // The command gets its own process group. A signal to the group then reaches its descendants, but not this process.
    const options = { stdio, env: environment, detached: HAS_GROUPS, cwd: folder } as const;
    return await new Promise((resolve) => {
      try {
        const child = spawn(file, rest, options);
        if (streams !== null) connect(child, streams);
        const command = new CommandProcess(child);
        child.once("spawn", () => resolve(command));
        child.once("error", (error) => resolve(describeStartError(error)));
      } catch (error) {
        // `spawn` throws if an argument is invalid, for example if it contains a NUL character.
        resolve(describeStartError(error));
      }
    });
  }

  /** Sends a signal to the command and to its descendants. Processes that have already ended are ignored. */
  send(signal: NodeJS.Signals): void {
    if (!HAS_GROUPS) this.#child.kill(signal);
    else this.#sendToGroup(signal);
  }

  /**
   * Waits until the command's output has been read, but at most `waitMs`. Without this limit, a descendant that keeps
   * the streams open would block the caller.
   */
  async drained(waitMs: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#closed, pause(waitMs, over.signal)]);
    over.abort();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Ends the whole process group. Sends SIGTERM first, and SIGKILL if processes are left after `graceMs`. */
  async end(graceMs: number): Promise<CommandEnd> {
    const untilMs = performance.now() + graceMs;
    this.send("SIGTERM");
    for (let leftMs = graceMs; leftMs > 0 && this.#isAlive(); leftMs = untilMs - performance.now()) {
      await new Promise((resolve) => {
        setTimeout(resolve, Math.min(LOOK_MS, leftMs));
      });
    }
    if (this.#isAlive()) this.send("SIGKILL");
    return await this.ended;
  }

  #isAlive(): boolean {
    return HAS_GROUPS ? this.#sendToGroup(0) : this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal to the process group. Returns false if the group has no process that this process may signal. */
  #sendToGroup(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      // EPERM means that the remaining processes belong to another user. This process cannot end them.
      if (errorCodeOf(error) === "ESRCH" || errorCodeOf(error) === "EPERM") return false;
      throw error;
    }
  }
}

function connect({ stdin, stdout, stderr }: ChildProcess, streams: CommandStreams): void {
  // A command may close its stdin before it has read everything. Ignore the error, because it does not need the rest.
  stdin?.on("error", () => undefined);
  stdin?.end(streams.input ?? "");
  stdout?.on("data", streams.takeOutput);
  stderr?.on("data", streams.takeErrors);
  stderr?.pipe(process.stderr, { end: false });
}

function describeStartError(error: unknown): string {
  return errorCodeOf(error) === "ENOENT" ? "no such program" : describeSystemError(error);
}
