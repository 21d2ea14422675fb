/** Splits a stream of bytes into lines, with a limit for the memory of a line. Runs in the CLI process. */

const LINE_FEED = 0x0a;

/**
 * Yields the lines of a stream without their line feeds. Yields undefined for each line that is too long.
 * @param rest whether text after the last line feed is yielded as a line ("kept"). It must be "dropped" if it may be
 * incomplete because the connection broke
 */
export async function* readLines(
  input: AsyncIterable<Buffer>,
  bytesMax: number,
  rest: "kept" | "dropped",
): AsyncGenerator<Buffer | undefined, void, undefined> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const take = (): Buffer | undefined => {
    const line = bytes > bytesMax ? undefined : Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end));
      bytes += end - start;
      yield take();
      start = end + 1;
    }
    bytes += chunk.length - start;
    if (bytes <= bytesMax) pieces.push(chunk.subarray(start));
    else pieces = [];
  }
  if (bytes > 0 && rest === "kept") yield take();
}
