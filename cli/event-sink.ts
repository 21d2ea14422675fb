/**
 * The output of the commands that follow the server, such as `events subscribe`. It writes to stdout, waits for a slow
 * reader (backpressure), and detects that the reader has gone. Other commands print through output.ts. Runs in the CLI
 * process.
 */
import { fstatSync } from "node:fs";
import type { Socket } from "node:net";

import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { captureSignals } from "./signals.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

/**
 * The error codes that mean that the reader of stdout has gone. The pipe or the socket is closed, or the terminal has
 * hung up.
 */
const CLOSED_CODES: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "EIO"]);
const STDIN = 0;
const STDOUT = 1;

export interface EventSink {
  /** Writes a line. If it returns false, the caller must await `drained` before it writes the next line. */
  write(line: Buffer): boolean;
  /** Resolves when the next line can be written, or when the sink has ended. */
  drained(): Promise<void>;
  /** Closes stdout. The reader loses output that it has not read yet. */
  close(): void;
}

/**
 * Whether stdin and stdout are the same socket. If they are, the end of the input does not mean that the reader of
 * stdout has gone.
 */
function isSharedWithStdin(): boolean {
  const [input, output] = [fstatSync(STDIN), fstatSync(STDOUT)];
  return input.dev === output.dev && input.ino === output.ino;
}

/**
 * Opens stdout as a socket of its own, if it is a pipe or a socket. Unlike `process.stdout`, this socket can be closed
 * while a slow reader blocks a write. The caller must not touch `process.stdout`, because its first use opens the same
 * handle again.
 *
 * A socket is also read. While nothing is printed, only the end of the input shows that the reader has gone. A pipe
 * shows this only at the next write.
 */
async function openOwnStdout(onEnd: () => void): Promise<Socket | undefined> {
  const kind = fstatSync(STDOUT);
  if (!kind.isFIFO() && !kind.isSocket()) return undefined;
  const readable = kind.isSocket() && !isSharedWithStdin();
  // Import the module dynamically. The bundler hoists static imports, so every command would load the module.
  const net = await import("node:net");
  const stream = new net.Socket({ fd: STDOUT, readable, writable: true, allowHalfOpen: true });
  if (readable) {
    // Ignore an end of the input at the start. The reader may still be there: systemd's journal, for example, shuts
    // down only this direction.
    let starting = true;
    setImmediate(() => setImmediate(() => (starting = false)));
    stream.once("end", () => {
      if (!starting) onEnd();
    });
    stream.resume();
  }
  return stream;
}

/** @param onEnd called once: without a failure if the reader has closed stdout, with one if stdout cannot be written */
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
 * Prints until the user presses Ctrl-C, the reader closes stdout, or `run` returns.
 * @param run prints until its signal fires. It returns earlier, with a failure, if it cannot continue
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
