/**
 * Reads the body of one request from uWebSockets.js. Collects or streams the body, holds it back until a handler wants
 * it, sends `100 Continue`, and refuses bodies of tiny chunks. An exchange creates a RequestBody only when its handler
 * asks for the body, so that requests without a body do not pay for it. Runs on the front.
 *
 * The library calls its handlers in the middle of a read. Until the read has finished, nothing may be executed and no
 * connection may be cut (see `whenRead`).
 */
import type { HttpResponse } from "uWebSockets.js";
import {
  BODY_BYTES_MAX,
  QUIET_AFTER_CHUNKS_MS,
  REFUSED_LINGER_BYTES_MAX,
} from "../../../../schemas/limits/request-bodies.js";
import { REASON_PHRASES } from "../../../../schemas/status.js";
import { Failure } from "../../../base/result.js";
import { expectsContinue } from "../ambiguity.js";
import { BodyCollector, type BodyReceiver } from "../body-collector.js";
import { BodyStream } from "../body-stream.js";
import { ChunkDebts, ChunkMeter, CHUNKS_REFUSAL, CHUNKS_TOO_SMALL } from "../chunk-meter.js";
import type { WireReply } from "../reply.js";
import type { RequestHead } from "./head.js";
import { whenRead } from "./when-read.js";

/** The value of Expect for which the library itself sends `100 Continue`, before it calls any handler. */
const EXPECTS_CONTINUE = "100-continue";
const EMPTY = new Uint8Array(0);

/** The debts of addresses that have sent tiny chunks, on all ports. */
export const chunkDebts = new ChunkDebts();

/**
 * Receives a body piece by piece. The memory of a piece belongs to the library, and is valid only until the function
 * returns.
 */
type TakePiece = (piece: Uint8Array, last: boolean) => void;

/** A body that is held back. */
interface HeldBody {
  /** The pieces that arrived after the hold began, because they were in flight. */
  readonly pieces: (readonly [piece: Uint8Array, last: boolean])[];
  /** Receives the pieces after the hold; null while the body is held back. */
  take: TakePiece | null;
}

/** The exchange whose body is read. */
export interface BodyOwner {
  /** Whether the answer is complete or the client has disconnected. */
  readonly ended: boolean;
  /** Whether the beginning of the answer was written. */
  readonly written: boolean;
  /** Whether a client whose request was answered is still sending its body. */
  readonly lingers: boolean;
  /** Whether the connection is closed after the answer, because the body is refused. */
  readonly closesAfterAnswer: boolean;
  /** The address of the socket's other end. */
  readonly peer: string;
  detach(): void;
  onAbort(listener: () => void): void;
  closeAfterAnswer(): void;
  /** Answers the request outside of its handler. */
  answer(reply: WireReply): void;
  /** Breaks the connection. */
  cut(): void;
  /** Runs a handler in a later tick, unless the exchange has ended by then. */
  runInTurn(handle: () => void, bodyBytes: number): void;
}

export class RequestBody {
  readonly #res: HttpResponse;
  readonly #head: RequestHead;
  readonly #owner: BodyOwner;
  #collector: BodyCollector | null = null;
  #held: HeldBody | null = null;
  /** Whether `100 Continue` was sent. It is sent only to a client that waits for it before it sends the body. */
  #continued = false;
  /**
   * Whether this class itself has sent `100 Continue`. If so, the library assumes that the status line of the answer
   * was written already.
   */
  #statusTaken = false;
  /**
   * The timer that ends a pause in reading; null if reading is not paused. While it is paused, unread bytes stay in the
   * system's buffers.
   */
  #quiet: NodeJS.Timeout | null = null;
  /** Whether the last piece of a dropped body has arrived. */
  #ended = false;
  #discardedBytes = 0;
  /**
   * How much of a skipped body has arrived, and the listener that waits for its end. A body is skipped if no handler
   * reads it. Null if no body is skipped.
   */
  #skipped: { bytes: number; listener: ((whole: boolean) => void) | null } | null = null;
  /** Whether the body was refused because of tiny chunks. No more of it is read. */
  #refused = false;
  /** Delivers the refusal of the body to the handler that reads the body. */
  #refuse: ((refusal: Failure) => void) | null = null;

  constructor(res: HttpResponse, head: RequestHead, owner: BodyOwner) {
    this.#res = res;
    this.#head = head;
    this.#owner = owner;
  }

  /** Whether `100 Continue` was sent. */
  get continued(): boolean {
    return this.#continued;
  }

  /**
   * Whether the library wrongly assumes that the status line of the answer was written, because a `100 Continue` was
   * sent.
   */
  get statusTaken(): boolean {
    return this.#statusTaken;
  }

  /** Whether the body was refused before its end. */
  get givenUp(): boolean {
    return this.#collector?.givenUp === true;
  }

  /** Whether the last piece of a dropped body has arrived. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Holds the body back. Nothing more is read until `receive`, `stream`, `read` or `drop` is called. */
  hold(): void {
    const held: HeldBody = { pieces: [], take: null };
    this.#held = held;
    this.#owner.detach();
    this.#onData((piece, last) => {
      if (held.take === null) held.pieces.push([copyOf(piece), last]);
      else held.take(piece, last);
    });
    this.#res.pause();
  }

  /** Collects the whole body. */
  receive(receiver: BodyReceiver): void {
    if (this.#refused) return;
    this.#refuse = (refusal) => receiver.done(refusal);
    // Call the handler in a later tick, after the library has finished its read.
    const done = (body: Uint8Array | Failure): void =>
      this.#owner.runInTurn(() => receiver.done(body), body instanceof Failure ? 0 : body.byteLength);
    const collector = new BodyCollector(this.#head.contentLength, { ...receiver, done });
    this.#owner.detach();
    this.read((piece, last) => {
      if (collector.givenUp) this.#discard(piece.byteLength, last);
      else collector.push(piece, last, copyOf);
    });
    this.#collector = collector;
    if (!collector.givenUp) this.#sendContinue();
    collector.begin();
  }

  /** Delivers the body as fast as the reader takes it. `onPiece` is called after each piece. */
  stream(onPiece: () => void): BodyStream {
    this.#owner.detach();
    const stream = new BodyStream({
      pause: () => {
        if (!this.#owner.ended) this.#res.pause();
      },
      resume: () => {
        if (!this.#owner.ended && !this.#refused) this.#res.resume();
      },
    });
    this.#owner.onAbort(() => stream.abort());
    this.read((piece, last) => {
      if (this.#owner.closesAfterAnswer) {
        this.#discard(piece.byteLength, last);
        return;
      }
      stream.push(copyOf(piece), last);
      onPiece();
    });
    this.#sendContinue();
    return stream;
  }

  /** Delivers the body piece by piece. First delivers the pieces that arrived while the body was held back. */
  read(passOn: TakePiece): void {
    const held = this.#held;
    const take = this.#head.chunked ? this.#delayEnd(passOn) : passOn;
    if (held === null) {
      this.#onData(take);
      return;
    }
    const pieces = this.#release(held, take);
    process.nextTick(() => {
      for (const [piece, last] of pieces) take(piece, last);
    });
  }

  /** Drops the body as it arrives, because no handler reads it. */
  skip(): void {
    this.#skipped = { bytes: 0, listener: null };
    this.read((piece, last) => {
      const skipped = this.#skipped;
      if (skipped === null) return;
      skipped.bytes += piece.byteLength;
      if (!last && skipped.bytes <= BODY_BYTES_MAX) return;
      this.#skipped = null;
      skipped.listener?.(last);
    });
  }

  /** Whether the body is being skipped, and has reached neither its end nor BODY_BYTES_MAX. */
  get isSkipping(): boolean {
    return this.#skipped !== null;
  }

  /**
   * Waits for the end of a skipped body.
   * @param listener called with true when the whole body has arrived, or with false when it has exceeded BODY_BYTES_MAX
   */
  afterSkipped(listener: (whole: boolean) => void): void {
    if (this.#skipped !== null) this.#skipped.listener = listener;
  }

  /** Ends the hold of a body, and drops the rest of the body as it arrives. */
  drop(): void {
    if (this.#held !== null) this.#release(this.#held, dropPiece);
  }

  /** Ends the pause in reading that `#delayEnd` has begun after a chunked body. */
  endQuiet(): void {
    if (this.#quiet === null) return;
    clearTimeout(this.#quiet);
    this.#quiet = null;
    if (!this.#owner.ended) this.#res.resume();
  }

  /** Reads the body, and limits its small chunks. */
  #onData(take: TakePiece): void {
    if (!this.#head.chunked) {
      this.#res.onData((chunk, last) => take(new Uint8Array(chunk), last));
      return;
    }
    const meter = new ChunkMeter();
    let refused = 0;
    this.#res.onData((chunk, last) => {
      // The library calls this handler for each chunk of one read. Cutting the connection between two of these calls
      // would release memory that the library still reads. So only count the chunks that follow the refusal.
      if (refused > 0) refused += 1;
      else if (last || meter.take(chunk.byteLength)) take(new Uint8Array(chunk), last);
      else {
        refused = 1;
        this.#refused = true;
        this.#res.pause();
        whenRead(() => this.#refuseChunks(refused));
      }
    });
  }

  /** Refuses a body of tiny chunks. Called after the library has finished the read that delivered the chunks. */
  #refuseChunks(chunks: number): void {
    const owner = this.#owner;
    if (owner.ended) return;
    chunkDebts.add(owner.peer, chunks, performance.now());
    // This refusal cannot be sent, because the request was answered already.
    if (owner.written) {
      owner.cut();
      return;
    }
    owner.closeAfterAnswer();
    this.#refuse?.(CHUNKS_TOO_SMALL);
    // If the handler has not answered, send the refusal here. The end of the connection then notifies the handler that
    // its client is gone.
    if (!owner.written) owner.answer(CHUNKS_REFUSAL);
  }

  /** Sends `100 Continue` to a client that waits for it before it sends the body. */
  #sendContinue(): void {
    const expected = this.#head.get("expect");
    if (this.#continued || !expectsContinue(expected)) return;
    this.#continued = true;
    if (expected === EXPECTS_CONTINUE || this.#owner.ended) return;
    this.#statusTaken = true;
    // The library adds only one line end to the status line. The line end here adds the empty line that ends the
    // headers.
    this.#res.cork(() => this.#res.writeStatus(`100 ${REASON_PHRASES[100]}\r\n`));
  }

  /**
   * Delays the end of a chunked body until the library has parsed the bytes that came with it. If those bytes are not a
   * request, the library answers with an error of its own, so no request may have been executed by then. For the same
   * reason, reading pauses for QUIET_AFTER_CHUNKS_MS. If the client disconnects in that time, the server notices it
   * only afterwards.
   */
  #delayEnd(take: TakePiece): TakePiece {
    return (piece, last) => {
      if (!last) {
        take(piece, false);
        return;
      }
      this.#res.pause();
      this.#quiet = setTimeout(() => this.endQuiet(), QUIET_AFTER_CHUNKS_MS);
      whenRead(() => {
        if (!this.#owner.ended) take(EMPTY, true);
      });
    };
  }

  /** Ends a hold, and delivers the rest of the body to `take`. Returns the pieces that arrived during the hold. */
  #release(held: HeldBody, take: TakePiece): HeldBody["pieces"] {
    this.#held = null;
    held.take = take;
    if (!this.#owner.ended && !this.#refused) this.#res.resume();
    return held.pieces.splice(0);
  }

  /**
   * Drops a piece of a refused body. Reads no more after REFUSED_LINGER_BYTES_MAX bytes. The body then fills the
   * system's buffers, which stops the sender.
   */
  #discard(bytes: number, last: boolean): void {
    const before = this.#discardedBytes;
    this.#discardedBytes += bytes;
    this.#ended = last;
    const owner = this.#owner;
    // Defer the cut, because it would release the buffer from which the library still reads.
    if (last && owner.lingers) setImmediate(() => owner.cut());
    else if (before <= REFUSED_LINGER_BYTES_MAX && this.#discardedBytes > REFUSED_LINGER_BYTES_MAX && !owner.ended)
      this.#res.pause();
  }
}

function dropPiece(): void {
  // Nothing to do: after a request was answered, the library itself skips the rest of the body.
}

/**
 * Copies a chunk, because the library reuses its memory after the handler. Small copies come from Node's buffer pool.
 */
function copyOf(chunk: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(chunk.byteLength);
  copy.set(chunk);
  return copy;
}
