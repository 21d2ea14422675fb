/**
 * The I/O of a command: its folder, its environment variables and its standard streams. The CLI process runs one
 * command. A test runs many commands in one process, and each of them has its own I/O. Signals, terminals and child
 * processes are not part of it, because they belong to the whole process.
 */
import { basename } from "node:path";
import type { Readable, Writable } from "node:stream";

const STDOUT = 1;
const STDERR = 2;
/** The width that is assumed if a terminal does not report its width. */
const COLUMNS_DEFAULT = 80;

export interface Io {
  /** The name with which the program was called, for usage lines. */
  readonly program: string;
  /** An absolute path. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Returns stdin. The streams are functions because Node opens a stream when its property is first read. */
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
  /** Whether stdout is a terminal, so that a person reads the output. */
  readonly isTerminal: () => boolean;
  /** Whether stderr is a terminal, so that a person sees progress there. */
  readonly isErrorTerminal: () => boolean;
  /** The width of the terminal, in columns. */
  readonly columns: () => number;
}

export function processIo(): Io {
  return {
    program: basename(process.argv[1] ?? "").startsWith("koor-cli") ? "koor-cli" : "koor",
    folder: process.cwd(),
    environment: process.env,
    stdin: () => process.stdin,
    stdout: () => process.stdout,
    stderr: () => process.stderr,
    // The module is loaded at the first call. With a static import, every command would load it.
    isTerminal: () => process.getBuiltinModule("node:tty").isatty(STDOUT),
    isErrorTerminal: () => process.getBuiltinModule("node:tty").isatty(STDERR),
    columns: () => process.stdout.columns || process.stderr.columns || COLUMNS_DEFAULT,
  };
}

let current: () => Io = () => {
  const own = processIo();
  current = () => own;
  return own;
};

/** Returns the I/O of the running command. */
export function io(): Io {
  return current();
}

/**
 * Sets the function that returns the I/O of the current command. A process that runs several commands needs this, such
 * as a test.
 */
export function setIoProvider(provider: () => Io): void {
  current = provider;
}

/** Returns a stream that drops all output, for a command that must not print warnings. */
export function droppedOutput(): Writable {
  // The module is loaded at the first call. With a static import, every command would load it.
  const { Writable: Stream } = process.getBuiltinModule("node:stream");
  return new Stream({ write: (_chunk, _encoding, done) => done() });
}
