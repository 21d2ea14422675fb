/**
 * Answers as handlers make them: JSON that ends with a line end, short or in chunks at the pace at which the
 * client takes them. Runs on the front.
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

/** What a stream of the pool may be ahead of its reader, most of it one byte a character. */
const STREAM_BYTES = STREAM_CREDIT_CHUNKS * STREAM_PIECE_CHARACTERS_MAX;

/** Behind every JSON answer: a terminal and whoever reads by lines want it. */
const LINE_END = "\n";

type Chunks<End = unknown> = AsyncGenerator<string | Failure, End, undefined>;

/** A list that was read to its end, and where it goes on that was cut. */
type List = WholeText<string | null>;

/** A 200 with a JSON text, and what the work of it counts for. */
export function jsonReply(text: string, status = 200, counts: ReportedCounts | null = null): Reply {
  return { status, body: text + LINE_END, headers: JSON_HEADERS, counts };
}

/**
 * The JSON answer for what a read gave: a text, a refusal, or chunks.
 * @param holds what the chunks may hold in memory ahead of their reader, in bytes: those of the pool by default
 */
export function readReply(read: WholeText | Failure | Chunks, holds: number = STREAM_BYTES): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? jsonReply(read.text) : chunkedReply(read, JSON_HEADERS, LINE_END, holds);
}

/**
 * The JSON answer for a list, which says where it goes on if it was cut (`X-Koor-Next`). It is bounded, and begins when
 * all of it is here: so what fails is refused, and nothing is held for a client that reads slowly but the text.
 */
export function listReply(read: List | Failure | Chunks<Failure | string | null>): Answer | Promise<Answer> {
  if (read instanceof Failure) return read;
  return "text" in read ? wholeListReply(read) : longListReply(read);
}

/** What all lists that come together take of a turn. */
const COLLECTING = new TimeSlice();

/**
 * A list of the pool. Each chunk becomes bytes when it comes: megabytes of texts that are joined at the end are moved by
 * the garbage collector again and again, which kept all others waiting for seconds where several lists were read.
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

/** As `readReply`, for a read that is answered later. */
export async function laterReply(read: Promise<string | Failure>): Promise<Answer> {
  const text = await read;
  return text instanceof Failure ? text : jsonReply(text);
}

/** JSON a line, as it comes. */
export function linesReply(chunks: Chunks): Promise<Answer> {
  return chunkedReply(chunks, LINES_HEADERS, "", STREAM_BYTES);
}

/**
 * The first chunk decides the status; one that is the only one is sent with its length. A failure after
 * the first breaks the connection, so that the client cannot take a part for the whole. Whichever way it ends, the
 * read is left: what it holds (a turn, a channel) is free again.
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
    // Leaving the read cancels it: a worker of the pool would wait for its reader until the deadline.
    discard: () => void chunks.return(undefined),
  };
}

/** A read whose refusal was taken waits to be asked for more, and would for ever. */
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
