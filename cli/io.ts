/**
 * The process I/O of a command: its folder, environment variables and standard streams. The CLI process runs one
 * command with its own I/O. Tests run many commands in one process, each with a given I/O. Signals, terminals and the
 * streams of child processes always belong to the process.
 */
import { basename } from "node:path";
import type { Readable, Writable } from "node:stream";

const STDOUT = 1;

export interface Io {
  /** The program's name as it was called, for usage lines. */
  readonly program: string;
  /** An absolute path. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The streams are functions because a process opens a stream at the first access. */
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
  /** Whether stdout is a terminal, so that a person reads it. */
  readonly isTerminal: () => boolean;
}

export function processIo(): Io {
  return {
    program: basename(process.argv[1] ?? "").startsWith("koor-cli") ? "koor-cli" : "koor",
    folder: process.cwd(),
    environment: process.env,
    stdin: () => process.stdin,
    stdout: () => process.stdout,
    stderr: () => process.stderr,
    // With a static import, every command would pay for this module.
    isTerminal: () => process.getBuiltinModule("node:tty").isatty(STDOUT),
  };
}

let current: () => Io = () => {
  const own = processIo();
  current = () => own;
  return own;
};

/** Returns the process I/O of the running command. */
export function io(): Io {
  return current();
}

/** Sets how `io` finds the command's I/O, for a process that runs several commands. */
export function setIoProvider(provider: () => Io): void {
  current = provider;
}
