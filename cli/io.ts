/**
 * The process I/O of a command: its folder, environment variables and standard streams. The CLI process runs one
 * command with its own I/O. A test runs many commands in one process and gives each its own I/O. Signals, terminals and
 * the streams of child processes always belong to the process.
 */
import { basename } from "node:path";
import type { Readable, Writable } from "node:stream";

const STDOUT = 1;

export interface Io {
  /** The name with which the program was called, for usage lines. */
  readonly program: string;
  /** An absolute path. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Returns the stream. It is a function because the process opens a stream when it is first accessed. */
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
  /** Whether stdout is a terminal, which means that a person reads the output. */
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
    // The module is not imported statically, because every command would then load it.
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

/** Sets the function that returns the current command's I/O, for a process that runs several commands. */
export function setIoProvider(provider: () => Io): void {
  current = provider;
}
