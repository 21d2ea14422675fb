/**
 * Prints the progress line: rewritten in place on a terminal, one line after another elsewhere. Runs in the bench
 * process.
 */
import type { WriteStream } from "node:tty";

export interface Progress {
  readonly show: (line: string) => void;
  /** Removes the line, so that the next output starts on a clean one. */
  readonly clear: () => void;
}

const ERASE_LINE = "\r\u001b[2K";
const COLUMNS_DEFAULT = 80;

export function createProgress(stream: WriteStream): Progress {
  if (!stream.isTTY) return { show: (line) => stream.write(`${line}\n`), clear: () => undefined };
  return {
    show: (line) => stream.write(`${ERASE_LINE}${line.slice(0, (stream.columns ?? COLUMNS_DEFAULT) - 1)}`),
    clear: () => stream.write(ERASE_LINE),
  };
}
