/**
 * Passes on the pieces of a long transfer. If stderr is a terminal, also shows the progress. Otherwise, loads no
 * further module. Runs in the CLI process.
 */
import { io } from "./io.js";
import type { Transfer } from "./output/progress.js";

/** Yields the pieces of a source unchanged. Shows the progress on stderr meanwhile. */
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

/** Parses the header Content-Length. Returns undefined if it is absent or malformed. */
export function lengthOf(contentLength: string | undefined): number | undefined {
  return contentLength === undefined || !/^\d+$/.test(contentLength) ? undefined : Number(contentLength);
}
