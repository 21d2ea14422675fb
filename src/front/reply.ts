/**
 * Builds the answers of handlers: JSON with a line end, either whole or in chunks at the pace of the client. Runs on
 * the front.
 */
import type { ReportedCounts } from "../../schemas/agent-metrics.js";
import { STREAM_CREDIT_CHUNKS, STREAM_PIECE_CHARACTERS_MAX } from "../../schemas/limits.js";
import { NEXT_HEADER } from "../../schemas/next-header.js";
import { Failure } from "../base/result.js";
import { TimeSlice } from "../base/time-slice.js";
import { headerBlock, type HeaderBlock, type Sink } from "../transport/reply.js";
import type { WholeText } from "../threads/reads.js";
import type { Answer, Reply } from "./route.js";

export const JSON_TYPE = ["Content-Type", "application/json"] as const;
export const JSON_HEADERS = headerBlock([JSON_TYPE]);
export const LINES_HEADERS = headerBlock([["Content-Type", "application/x-ndjson"]]);

/** The bytes that a stream of the pool may be ahead of its reader; most characters take one byte. */
const STREAM_BYTES = STREAM_CREDIT_CHUNKS * STREAM_PIECE_CHARACTERS_MAX;

/** The end of every JSON answer: terminals and readers of lines want it. */
const LINE_END = "\n";

type Chunks<End = unknown> = AsyncGenerator<string | Failure, End, undefined>;

/** A whole list, and the cursor of its continuation if it was cut. */
type List = WholeText<string | null>;

/** A reply with a JSON text, and the counts that its work adds for the actor. */
export function jsonReply(text: string, status = 200, counts: ReportedCounts | null = null): Reply {
  return { status, body: text + LINE_END, headers: JSON_HEADERS, counts };
}

/**
 * The JSON answer for the result of a read: a text, a refusal, or chunks.
 * @param holds the bytes that the chunks may hold in memory ahead of their reader; by default those of a stream of the
 * pool
 */
export function readReply(read: WholeText | Failure | Chunks, holds: number = STREAM_BYTES): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? jsonReply(read.text) : chunkedReply(read, JSON_HEADERS, LINE_END, holds);
}

/**
 * The JSON answer for a list, with the cursor of its continuation if it was cut (`X-Koor-Next`). A list is bounded, and
 * its answer begins when all of it is there: so a failure is still an error status, and a client that reads slowly
 * holds nothing but the text.
 */
export function listReply(read: List | Failure | Chunks<Failure | string | null>): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? wholeListReply(read) : longListReply(read);
}

/** The share of an event-loop tick that all lists together may take. */
const COLLECTING = new TimeSlice();

/**
 * The answer for a list of the pool. Each chunk is turned into bytes when it arrives: the garbage collector moves
 * megabytes of texts that are joined at the end again and again, which blocked all other requests for seconds when
 * several lists were read.
 */
async function longListReply(chunks: Chunks<Failure | string | null>): Promise<Answer> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const next = await chunks.next();
    if (next.value instanceof Failure) return await cancelRead(chunks, next.value);
    if (COLLECTING.isOver) await COLLECTING.yieldIfOver();
    if (next.done === true) {
      pieces.push(Buffer.from(LINE_END));
      return { status: 200, body: Buffer.concat(pieces), headers: listHeaders(next.value) };
    }
    pieces.push(Buffer.from(next.value));
  }
}

function listHeaders(next: string | null): HeaderBlock {
  return next === null ? JSON_HEADERS : headerBlock([JSON_TYPE, [NEXT_HEADER, next]]);
}

export function wholeListReply({ text, reply: next }: List): Reply {
  return { status: 200, body: text + LINE_END, headers: listHeaders(next) };
}

/** As `readReply`, for the text of a read that is still running. */
export async function laterReply(read: Promise<string | Failure>): Promise<Answer> {
  const text = await read;
  return text instanceof Failure ? text : jsonReply(text);
}

/** The answer for one JSON value per line, sent as they come. */
export function linesReply(chunks: Chunks): Promise<Answer> {
  return chunkedReply(chunks, LINES_HEADERS, "", STREAM_BYTES);
}

/**
 * The answer for chunks. The first chunk decides the status; an only chunk is sent with its length. A failure after the
 * first chunk breaks the connection, so that the client cannot take a part for the whole. In every case the read is
 * ended, which frees its permit and its channel.
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
    // Cancels the read: a worker of the pool would wait for its reader until the deadline.
    discard: () => void chunks.return(undefined),
  };
}

/** Cancels a read after its refusal; it would wait for its next call forever. */
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
