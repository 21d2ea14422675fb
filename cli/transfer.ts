/**
 * Passes on the pieces of a long transfer, and shows its progress if stderr is a terminal. If it is not a terminal, the
 * pieces are only passed on, and no further module is loaded. Runs in the CLI process.
 */
import { io } from "./io.js";
import type { Transfer } from "./output/progress.js";

/** Yields the pieces of a source in order. Shows the progress on stderr while they are read. */
export async function* withProgress(source: AsyncIterable<Buffer>, transfer: Transfer): AsyncGenerator<Buffer> {
  if (!io().isErrorTerminal()) {
    yield* source;
    return;
  }
  const { Progress } = await import("./output/progress.js");
  const progress = new Progress(transfer);
  try {
    for await (const piece of source) {
      progress.add(piece.length);
      yield piece;
    }
  } finally {
    progress.end();
  }
}

/** Parses the header Content-Length; undefined if it is absent. */
export function lengthOf(contentLength: string | undefined): number | undefined {
  return contentLength === undefined || !/^\d+$/.test(contentLength) ? undefined : Number(contentLength);
}
