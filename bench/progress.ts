/**
 * Prints the progress: on a terminal as one line that is rewritten in place, elsewhere as one line after another. Runs
 * in the bench process.
 */
import type { WriteStream } from "node:tty";

export interface Progress {
  readonly show: (line: string) => void;
  /** Erases the progress line, so that other output does not follow it on the same line. */
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
