/**
 * What a command has of the process that it runs in: where it stands, its environment, its standard streams. A process
 * runs one command, with its own; tests run many in one process, each with what they give it.
 * Signals, terminals and the streams of programs that a command starts are the process's own.
 */
import { basename } from "node:path";
import type { Readable, Writable } from "node:stream";

const STDOUT = 1;

export interface Io {
  /** The program's name as it was called, for usages. */
  readonly program: string;
  /** Absolute. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** A function each: a stream of the process is opened by the first look at it. */
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
  /** Whether a person reads what stdout takes. */
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
    // Loaded by an import, every command would pay for it.
    isTerminal: () => process.getBuiltinModule("node:tty").isatty(STDOUT),
  };
}

let current: () => Io = () => {
  const own = processIo();
  current = () => own;
  return own;
};

/** What the running command has. */
export function io(): Io {
  return current();
}

/** For a process that runs several commands: `next` tells whose call it is. */
export function setIoProvider(provider: () => Io): void {
  current = provider;
}
