/**
 * Runs the command line in a given folder and environment, and waits for its results. Most commands run in the test's
 * process, which takes a tenth of the time. Tests of signals, descriptors or child processes run the bundled program as
 * users do. The tests of the command line share it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { setIoProvider, processIo, type Io } from "../../cli/io.js";
import { main } from "../../cli/main.js";
import { tieToThisProcess } from "../support/owner.js";

/** This file runs from dist/tree/test/cli. */
export const CLI_PROGRAM = fileURLToPath(new URL("../../../app/cli/koor.js", import.meta.url));

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The text for stdin; empty by default. */
  readonly input?: string | Buffer;
  /** The width of the terminal, if stdout and stderr are one. By default they are pipes. */
  readonly terminal?: number;
}

export interface CliResult {
  readonly code: number | null;
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

const STARTS_PROGRAMS = [["serve"], ["lease", "run"], ["task", "work"], ["task", "run"], ["ci", "run"]];

/** The I/O of each running command. Several commands run concurrently, so each needs its own. */
const running = new AsyncLocalStorage<Io>();
const own = processIo();
setIoProvider(() => running.getStore() ?? own);

function environmentOf({ env }: CliOptions): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"] ?? "", ...env };
}

/** Collects the bytes that are written to it. */
class Collector extends Writable {
  readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    done();
  }
}

/**
 * Runs one command to its end in this process. Commands that start programs run as processes, because programs inherit
 * a process's streams.
 */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  if (STARTS_PROGRAMS.some((words) => words.every((word, at) => args[at] === word))) return runProgram(args, options);
  const [stdout, stderr] = [new Collector(), new Collector()];
  const stdin = Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]);
  const given: Io = {
    program: "koor",
    folder: options.cwd,
    environment: environmentOf(options),
    stdin: () => stdin,
    stdout: () => stdout,
    stderr: () => stderr,
    isTerminal: () => options.terminal !== undefined,
    isErrorTerminal: () => options.terminal !== undefined,
    columns: () => options.terminal ?? 80,
  };
  const code = await running.run(given, () => main(args));
  const bytes = Buffer.concat(stdout.chunks);
  return { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(stderr.chunks).toString() };
}

function spawnCli(args: readonly string[], options: CliOptions): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [CLI_PROGRAM, ...args], { cwd: options.cwd, env: environmentOf(options) });
  tieToThisProcess(child, "with_children");
  return child;
}

/** Runs one command to its end in its own process. */
export async function runProgram(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = spawnCli(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const bytes = Buffer.concat(stdout);
  return { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(stderr).toString() };
}

/**
 * For tap's `skip`: the reason if this machine has no program `script`, which runs a command on a terminal; false
 * otherwise.
 */
export function terminalMissing(): string | false {
  const { error, stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  const isThere = error === undefined && stdout.includes("util-linux");
  return isThere ? false : "there is no script of util-linux here";
}

/**
 * Runs a command on its own terminal, and answers its questions.
 * @param answers the answers to the questions, each of which ends with `] `; null ends the input
 * @param redirected the shell's redirections for the command: `2>errors`
 * @returns the exit code, and all that the terminal showed
 */
export async function runAtTerminal(
  args: readonly string[],
  { cwd, env = {} }: CliOptions,
  answers: readonly (string | null)[],
  redirected = "",
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const words = [process.execPath, CLI_PROGRAM, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const child = spawn("script", ["-qefc", `exec ${words.join(" ")} ${redirected}`, "/dev/null"], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", SHELL: "/bin/sh", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  let asked = 0;
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
    for (const count = shown.split("] ").length - 1; asked < count; asked++) {
      const answer = answers[asked];
      if (typeof answer === "string") child.stdin.write(answer);
      else child.stdin.end();
    }
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, shown: shown.replaceAll("\r\n", "\n") };
}

/** A command that keeps running. A test can wait for its output. */
export class RunningCli {
  readonly child: ChildProcessWithoutNullStreams;
  /** The complete lines of stdout. */
  readonly lines: string[] = [];
  stdout = "";
  stderr = "";
  private unfinished = "";
  private readonly exited: Promise<number | null>;
  private readonly waiting = new Set<() => void>();

  constructor(args: readonly string[], options: CliOptions) {
    this.child = spawnCli(args, options);
    this.child.stdin.end();
    this.child.stdout.on("data", (chunk: Buffer) => {
      const text = chunk.toString();
      this.stdout += text;
      const [first = "", ...others] = text.split("\n");
      this.unfinished += first;
      for (const other of others) {
        this.lines.push(this.unfinished);
        this.unfinished = other;
      }
      this.check();
    });
    this.child.stderr.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.check();
    });
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.once("exit", () => this.check());
  }

  private check(): void {
    for (const wake of this.waiting) wake();
  }

  /** Resolves when `holds` returns true. It is checked after each output and when the process ends. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (holds()) {
          this.waiting.delete(check);
          resolve();
        } else if (this.child.exitCode !== null) {
          this.waiting.delete(check);
          reject(new Error(`the command ended with ${this.child.exitCode} before ${what}: ${this.stderr}`));
        }
      };
      this.waiting.add(check);
      check();
    });
  }

  async untilLines(count: number): Promise<string[]> {
    await this.until(`${count} lines`, () => this.lines.length >= count);
    return this.lines;
  }

  /** The exit code; `null` if a signal killed the process. */
  async exit(): Promise<number | null> {
    return await this.exited;
  }

  /** Kills the process at teardown. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }
}
