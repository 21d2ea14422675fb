/**
 * Passes the pieces of a long transfer on, and shows its progress if stderr is a terminal. Without a terminal the pieces
 * are passed on unchanged, and nothing is loaded. Runs in the CLI process.
 */
import { io } from "./io.js";
import type { Transfer } from "./output/progress.js";

/** Returns the pieces of a source, in order. While they are read, stderr shows how far the transfer is. */
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

/** Reads the length from the header Content-Length; undefined if there is none. */
export function lengthOf(contentLength: string | undefined): number | undefined {
  return contentLength === undefined || !/^\d+$/.test(contentLength) ? undefined : Number(contentLength);
}
