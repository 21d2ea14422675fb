/**
 * The output of `events subscribe`. It writes to stdout, waits while the reader is slow (backpressure), and detects
 * that the reader has gone. Other commands print through output.ts. Runs in the CLI process.
 */
import { fstatSync } from "node:fs";
import type { Socket } from "node:net";

import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { captureSignals } from "./signals.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/**
 * The error codes that mean that the reader of stdout has gone: a closed pipe, a closed socket, or a terminal that hung
 * up.
 */
const CLOSED_CODES: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "EIO"]);
const STDIN = 0;
const STDOUT = 1;

export interface EventSink {
  /** Writes a line. If it returns false, the caller must await `drained` before it writes the next line. */
  write(line: Buffer): boolean;
  /** Resolves when the next line can be written, or when the sink has ended. */
  drained(): Promise<void>;
  /** Closes stdout. Output that the reader has not yet read is lost. */
  close(): void;
}

/**
 * Whether stdin is the same socket as stdout. The socket then also delivers the command's input, so the end of the
 * input does not mean that the reader of stdout has gone.
 */
function isSharedWithStdin(): boolean {
  const [input, output] = [fstatSync(STDIN), fstatSync(STDOUT)];
  return input.dev === output.dev && input.ino === output.ino;
}

/**
 * Opens stdout if it is a pipe or a socket. The result is a handle of our own, which can be closed even while a slow
 * reader blocks a write. `process.stdout` cannot be closed then, and must not be used: its first use would open the
 * same handle again.
 * A socket is also read, because while nothing is printed, only the end of the socket shows that the reader has gone. A
 * pipe shows this only at the next write.
 */
async function openOwnStdout(onEnd: () => void): Promise<Socket | undefined> {
  const kind = fstatSync(STDOUT);
  if (!kind.isFIFO() && !kind.isSocket()) return undefined;
  const readable = kind.isSocket() && !isSharedWithStdin();
  // Import the module dynamically. The bundler would hoist a static import, and every command would load the module.
  const net = await import("node:net");
  const stream = new net.Socket({ fd: STDOUT, readable, writable: true, allowHalfOpen: true });
  if (readable) {
    // The input of a socket may have ended before the start although its reader is still there. systemd's journal, for
    // example, shuts down that direction.
    let starting = true;
    setImmediate(() => setImmediate(() => (starting = false)));
    stream.once("end", () => {
      if (!starting) onEnd();
    });
    stream.resume();
  }
  return stream;
}

/** @param onEnd called once: when the reader has closed stdout, or with a failure if stdout cannot be written */
export async function openEventSink(onEnd: (failure: CliFailure | undefined) => void): Promise<EventSink> {
  let wake = (): void => {};
  let ended = false;
  const end = (failure: CliFailure | undefined): void => {
    if (ended) return;
    ended = true;
    wake();
    onEnd(failure);
  };
  const own = await openOwnStdout(() => end(undefined));
  const stream = own ?? process.stdout;
  stream.on("drain", () => wake());
  stream.on("error", (error) => {
    const closed = CLOSED_CODES.has(errorCodeOf(error));
    end(closed ? undefined : failed(`cannot write the events: ${describeSystemError(error)}`));
  });
  return {
    write: (line) => ended || stream.write(line),
    drained: async () => {
      if (ended || !stream.writableNeedDrain) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
    close: () => {
      ended = true;
      wake();
      own?.destroy();
    },
  };
}

/**
 * Prints until the user presses Ctrl-C or stdout closes (exit 0), or until `run` returns.
 * @param run prints until its signal fires. It returns a failure if it cannot go further
 */
export async function printUntilStopped(
  run: (sink: EventSink, signal: AbortSignal) => Promise<CliFailure | undefined>,
): Promise<ExitCode | CliFailure> {
  const stop = new AbortController();
  let printFailure: CliFailure | undefined;
  const restoreSignals = captureSignals(() => stop.abort());
  const sink = await openEventSink((failure) => {
    printFailure = failure;
    stop.abort();
  });
  try {
    return (await run(sink, stop.signal)) ?? printFailure ?? 0;
  } finally {
    restoreSignals();
    sink.close();
  }
}
