/** Long answers: chunks of text as they come from a read, at the pace at which the client takes them. */
import { Failure } from "../base/result.js";
import { JSON_HEADERS, type Answer, type HeaderBlock, type Sink } from "./route-table.js";

type Chunks = AsyncGenerator<string | Failure, void, undefined>;

/** The answer for what a read gave: a text, a refusal, or chunks; JSON unless the headers say otherwise. */
export function readReply(read: string | Failure | Chunks, headers = JSON_HEADERS): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return typeof read === "string" ? { status: 200, headers, body: read } : chunkedReply(read, headers);
}

/**
 * The first chunk decides the status; one that is the only one is sent with its length. A failure after
 * the first breaks the connection, so that the client cannot take a part for the whole.
 */
async function chunkedReply(chunks: Chunks, headers: HeaderBlock): Promise<Answer> {
  const first = await chunks.next();
  if (first.done === true) return { status: 200, headers, body: "" };
  if (first.value instanceof Failure) return first.value;
  const head = first.value;
  const second = await chunks.next();
  if (second.done === true) return { status: 200, headers, body: head };
  if (second.value instanceof Failure) return second.value;
  const rest = second.value;
  return {
    status: 200,
    headers,
    body: (sink) => void pump(sink, [head, rest], chunks),
    // Leaving the read cancels it: a worker of the pool would wait for its reader until the deadline.
    discard: () => void chunks.return(),
  };
}

async function pump(sink: Sink, ready: readonly string[], chunks: Chunks): Promise<void> {
  let gone = false;
  let wake: () => void = () => undefined;
  sink.onClose(() => {
    gone = true;
    wake();
  });
  sink.onDrain(() => wake());
  const write = async (text: string): Promise<void> => {
    if (sink.write(text) || gone) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  for (const text of ready) await write(text);
  for await (const chunk of chunks) {
    if (gone) return; // leaving the loop cancels the read
    if (chunk instanceof Failure) {
      sink.end(true);
      return;
    }
    await write(chunk);
  }
  sink.end();
}
