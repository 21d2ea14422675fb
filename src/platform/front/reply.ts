/**
 * Builds the JSON answers of handlers, which end with a newline. An answer is sent whole, or in chunks at the client's
 * pace. Runs on the front.
 */
import type { ReportedCounts } from "../../../schemas/agent-metrics.js";
import { STREAM_CREDIT_CHUNKS, STREAM_PIECE_CHARACTERS_MAX } from "../../../schemas/limits/rpc.js";
import { NEXT_HEADER } from "../../../schemas/next-header.js";
import { GrowingBytes } from "../../base/growing-bytes.js";
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { headerBlock, type HeaderBlock, type Sink } from "../transport/reply.js";
import type { WholeText } from "../threads/reads.js";
import type { Answer, Reply } from "./route.js";

export const JSON_TYPE = ["Content-Type", "application/json"] as const;
export const JSON_HEADERS = headerBlock([JSON_TYPE]);
export const LINES_HEADERS = headerBlock([["Content-Type", "application/x-ndjson"]]);

/**
 * The maximum number of bytes that the worker pool reads ahead for a stream. The limit counts one byte for each
 * character, which is right for most texts.
 */
const STREAM_BYTES = STREAM_CREDIT_CHUNKS * STREAM_PIECE_CHARACTERS_MAX;

/** The end of every JSON answer. Terminals expect a line end, and so do programs that read line by line. */
const LINE_END = "\n";

type Chunks<End = unknown> = AsyncGenerator<string | Failure, End, undefined>;

/** The text of a list, and the cursor of the next page as its return value; null if the list is complete. */
type List = WholeText<string | null>;

/** Returns a reply with a JSON text, and the counts that the call adds to the metrics of its actor. */
export function jsonReply(text: string, status = 200, counts: ReportedCounts | null = null): Reply {
  return { status, body: text + LINE_END, headers: JSON_HEADERS, counts };
}

/**
 * Returns the reply with a long JSON text that never changes. The text is encoded only once, because encoding it for
 * each request would delay other requests.
 */
export function fixedJsonReply(text: string): Reply {
  return { status: 200, body: Buffer.from(text + LINE_END), headers: JSON_HEADERS };
}

/**
 * Returns the JSON answer for the result of a read: a text, a failure, or chunks.
 * @param holds the maximum number of bytes that the chunks read ahead into memory; by default the worker pool's limit
 */
export function readReply(read: WholeText | Failure | Chunks, holds: number = STREAM_BYTES): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? jsonReply(read.text) : chunkedReply(read, JSON_HEADERS, LINE_END, holds);
}

/**
 * Returns the JSON answer for a list. If the list was truncated, the header `X-Koor-Next` has the cursor of the next
 * page. The answer is sent only after the whole list was read. So if the read fails in the middle, the answer still
 * gets an error status, and a slow client does not keep the read open. The list fits into memory, because its size is
 * limited.
 */
export function listReply(read: List | Failure | Chunks<Failure | string | null>): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? wholeListReply(read) : longListReply(read);
}

/** Limits the time in one event-loop tick for converting the chunks of all lists together. */
const COLLECTING = new TimeSlice();

/**
 * Returns the answer for a list that the worker pool reads. Each chunk is converted to bytes when it arrives. Joining
 * megabytes of text at the end would be slower, because the garbage collector would move the text again and again. With
 * several lists at once, this blocked all other requests for seconds.
 */
async function longListReply(chunks: Chunks<Failure | string | null>): Promise<Answer> {
  const bytes = new GrowingBytes();
  for (;;) {
    const next = await chunks.next();
    if (next.value instanceof Failure) return await cancelRead(chunks, next.value);
    if (COLLECTING.isOver) await COLLECTING.yieldIfOver();
    if (next.done === true) return bytesListReply(bytes, next.value);
    bytes.add(next.value);
  }
}

/** Returns the answer for a list whose parts were converted to bytes one after the other. See `longListReply`. */
export function bytesListReply(bytes: GrowingBytes, next: string | null): Reply {
  bytes.add(LINE_END);
  return { status: 200, body: bytes.end(), headers: listHeaders(next) };
}

function listHeaders(next: string | null): HeaderBlock {
  return next === null ? JSON_HEADERS : headerBlock([JSON_TYPE, [NEXT_HEADER, next]]);
}

export function wholeListReply({ text, reply: next }: List): Reply {
  return { status: 200, body: text + LINE_END, headers: listHeaders(next) };
}

/** Like `readReply`, but first waits for the text. */
export async function laterReply(read: Promise<string | Failure>): Promise<Answer> {
  const text = await read;
  return text instanceof Failure ? text : jsonReply(text);
}

/** Returns an answer with one JSON value on each line. Each line is sent as soon as it is produced. */
export function linesReply(chunks: Chunks): Promise<Answer> {
  return chunkedReply(chunks, LINES_HEADERS, "", STREAM_BYTES);
}

/**
 * Returns the answer for a read that produces chunks. The first chunk decides the status. If there is only one chunk,
 * the answer states its length. A failure after the first chunk closes the connection. So the client notices that the
 * answer is incomplete. The read is always ended, which frees its permit and its channel.
 */
async function chunkedReply(chunks: Chunks, headers: HeaderBlock, end: string, holds: number): Promise<Answer> {
  const first = await chunks.next();
  if (first.done === true) return { status: 200, headers, body: "" };
  if (first.value instanceof Failure) return await cancelRead(chunks, first.value);
  const head = first.value;
  const second = await chunks.next();
  if (second.done === true) return { status: 200, headers, body: head + end };
  if (second.value instanceof Failure) return await cancelRead(chunks, second.value);
  const rest = second.value;
  return {
    status: 200,
    headers,
    holds,
    body: (sink) => void pump(sink, [head, rest], chunks, end),
    // Cancel the read when the client disconnects. Otherwise a worker of the pool would wait for the reader until the
    // deadline.
    discard: () => void chunks.return(undefined),
  };
}

/** Cancels the read of an answer that was refused, and returns the refusal. Without this, the read would never end. */
async function cancelRead(chunks: Chunks, refusal: Failure): Promise<Failure> {
  await chunks.return(undefined);
  return refusal;
}

async function pump(sink: Sink, ready: readonly string[], chunks: Chunks, end: string): Promise<void> {
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
  if (end !== "") await write(end);
  sink.end();
}
