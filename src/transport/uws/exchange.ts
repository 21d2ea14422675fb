/**
 * One request and its answer on the wire; the only file that uses uWebSockets.js requests and responses. It copies what
 * it needs at once, because a request is only valid until the handler returns. It collects bodies within limits, writes
 * answers corked, and streams at the reader's pace. The pipeline decides whether a request may pass, and what the
 * answer is.
 *
 * Pipelined requests: the library passes on all requests of one read, one after the other, if each is answered before
 * its handler returns. If a request comes before the previous answer is complete, the library closes the connection.
 * Two rules limit what a connection can demand. An answer is complete only when the socket has sent it, so a client
 * that does not read gets no further answer. And one event-loop tick answers a limited number of requests, and leaves
 * the others to the next tick.
 */
import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { PROMPT_ANSWER_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { CLOSING_LINGER_MS, REQUEST_TIMEOUT_MS } from "../../../schemas/limits/connections.js";
import {
  BODY_BYTES_MAX,
  QUIET_AFTER_CHUNKS_MS,
  REFUSED_LINGER_BYTES_MAX,
} from "../../../schemas/limits/request-bodies.js";
import { REASON_PHRASES } from "../../../schemas/status.js";
import type { Failure } from "../../base/result.js";
import { expectsContinue } from "../ambiguity.js";
import { BodyCollector, type BodyReceiver } from "../body-collector.js";
import { BodyStream } from "../body-stream.js";
import { ChunkDebts, ChunkMeter, CHUNKS_REFUSAL, CHUNKS_TOO_SMALL, CHUNKS_UNPAID } from "../chunk-meter.js";
import { type Sink, type WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { AnswerBudget } from "../answer-budget.js";
import { RequestHead } from "./head.js";
import { wireHeaders, wireText } from "./text.js";

const STATUS_LINES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(REASON_PHRASES).map(([status, phrase]) => [status, `${status} ${phrase}`]),
);
/**
 * The library closes a connection that is idle for 8 to 12 s, because it checks every 4 s. With this header a client
 * with a connection pool does not write to a connection that is being closed.
 */
const KEEP_ALIVE = "\r\nKeep-Alive: timeout=8";
const CLOSE = "\r\nConnection: close";
/** The library sends the go-ahead by itself only for this spelling, and before any handler is called. */
const EXPECTS_CONTINUE = "100-continue";
const EMPTY = new Uint8Array(0);
const READS = new Set(["get", "head", "options"]);
/** A longer text is converted to bytes once, before the first write to the socket. */
const SHORT_TEXT_CHARACTERS = 64 * 1024;

/** Limits the answers of all connections in one tick. */
const answerBudget = new AnswerBudget();

/** The addresses that have sent tiny chunks, on all ports. */
const chunkDebts = new ChunkDebts();

/** Takes a body piece by piece. A piece belongs to the library, and is valid until this returns. */
type TakePiece = (piece: Uint8Array, last: boolean) => void;

/** A body that is held back. */
interface HeldBody {
  /** Content-Length; NaN or 0 if there is none. */
  readonly declared: number;
  /** The pieces that were in flight. */
  readonly pieces: (readonly [piece: Uint8Array, last: boolean])[];
  /** Takes the later pieces; null while the body is held back. */
  take: TakePiece | null;
}

export class UwsExchange implements Exchange {
  readonly #res: HttpResponse;
  #req: HttpRequest | null;
  readonly #head: RequestHead;
  readonly #head_only: boolean;
  #ended = false;
  #collector: BodyCollector | null = null;
  #held: HeldBody | null = null;
  #close_after_answer = false;
  /** A client that waited with its body got the go-ahead. */
  #continued = false;
  /** The server has sent the go-ahead itself. The library takes it for the status line of the answer. */
  #status_taken = false;
  /** Set while nothing is read; the unread bytes wait in the system's buffers. */
  #quiet: NodeJS.Timeout | null = null;
  #body_ended = false;
  #discardedBytes = 0;
  #lingers = false;
  #streaming = false;
  /** The beginning of the answer has been written. */
  #written = false;
  /** The body is refused for its tiny chunks, and nothing more of it is read. */
  #refused = false;
  /** Passes the refusal of a body to its receiver. */
  #refuseBody: (refusal: Failure) => void = () => undefined;
  #abort_listeners: (() => void)[] | null = null;

  /** @param head_only whether the method is HEAD: the answer has the same headers as for GET, and no body */
  constructor(res: HttpResponse, req: HttpRequest, head_only: boolean) {
    this.#res = res;
    this.#req = req;
    this.#head = new RequestHead(req);
    this.#head_only = head_only;
  }

  /** Returns a header by its lower-case name; "" if it is missing. */
  header(name: string): string {
    return this.#head.get(name);
  }

  has(name: string): boolean {
    return this.#head.has(name);
  }

  /** The path as sent. Valid until `detach`. */
  get path(): string {
    return this.#req?.getUrl() ?? "";
  }

  /** The part after `?`. Valid until `detach`. */
  get query(): string | undefined {
    return this.#req?.getQuery();
  }

  /** The method in lower case. Valid until `detach`. */
  get verb(): string {
    return this.#req?.getMethod() ?? "";
  }

  /** The address of the socket's other end. An IPv6 address is written out in full. After the answer it is "". */
  get peer(): string {
    return this.#ended ? "" : Buffer.from(this.#res.getRemoteAddressAsText()).toString("latin1");
  }

  /** The library accepts requests that other servers refuse. */
  get fault(): Failure | null {
    const { chunked, fault } = this.#head;
    return fault ?? (chunked && chunkDebts.has(this.peer, performance.now()) ? CHUNKS_UNPAID : null);
  }

  /**
   * True for a request that changes something. Such a request waits until the library has parsed the bytes that came
   * with it. If they are no request, the library answers with an error of its own, and nothing may have been executed
   * by then.
   */
  get body_first(): boolean {
    return this.#head.chunked || (!READS.has(this.verb) && !(this.#declared > BODY_BYTES_MAX));
  }

  /** Content-Length; 0 if there is none. */
  get #declared(): number {
    return Number(this.header("content-length"));
  }

  /** True once the answer has started or the client has gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True while a long answer is being written; `onAbort` also reports its end. */
  get streaming(): boolean {
    return this.#streaming && !this.#ended;
  }

  /** True while a refused client still sends. The caller must `cut` it after a while. `onAbort` reports its end. */
  get lingers(): boolean {
    return this.#lingers && !this.#ended;
  }

  /** Announces that the answer will come after the handler has returned. */
  detach(): void {
    this.#req = null;
    this.#watch();
  }

  /** Called when the client has gone before it got the whole answer, or when a long answer has ended. */
  onAbort(listener: () => void): void {
    this.#watch().push(listener);
  }

  #watch(): (() => void)[] {
    if (this.#abort_listeners !== null) return this.#abort_listeners;
    const listeners: (() => void)[] = [];
    this.#abort_listeners = listeners;
    this.#res.onAborted(() => {
      this.#ended = true;
      for (const listener of listeners.splice(0)) listener();
    });
    return listeners;
  }

  holdBody(): void {
    const held: HeldBody = { declared: this.#declared, pieces: [], take: null };
    this.#held = held;
    this.detach();
    this.#onData((piece, last) => {
      if (held.take === null) held.pieces.push([copyOf(piece), last]);
      else held.take(piece, last);
    });
    this.#res.pause();
  }

  /** Reads the body, and meters its chunks. */
  #onData(take: TakePiece): void {
    if (!this.#head.chunked) {
      this.#res.onData((chunk, last) => take(new Uint8Array(chunk), last));
      return;
    }
    const meter = new ChunkMeter();
    let refused = 0;
    this.#res.onData((chunk, last) => {
      // The library calls this for each chunk of the read, and cannot be stopped in the middle of it: a cut would
      // release memory that it still reads.
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

  /** Answers a body of tiny chunks after the read that brought it. */
  #refuseChunks(chunks: number): void {
    if (this.#ended) return;
    chunkDebts.add(this.peer, chunks, performance.now());
    // Its answer says something else.
    if (this.#written) {
      this.cut();
      return;
    }
    this.closeAfterAnswer();
    this.#refuseBody(CHUNKS_TOO_SMALL);
    // A handler that has not answered learns that the client has gone when the connection is cut.
    if (!this.#written) this.#res.cork(() => this.#write(CHUNKS_REFUSAL));
  }

  receive(receiver: BodyReceiver): void {
    if (this.#refused) return;
    this.#refuseBody = (refusal) => receiver.done(refusal);
    const done = (body: Uint8Array | Failure): void =>
      whenRead(() => {
        if (!this.#ended) receiver.done(body);
      });
    const collector = new BodyCollector(this.#held?.declared ?? this.#declared, { ...receiver, done });
    this.detach();
    this.#read((piece, last) => {
      if (collector.given_up) this.#discard(piece.byteLength, last);
      else collector.push(piece, last, copyOf);
    });
    this.#collector = collector;
    if (!collector.given_up) this.#sendContinue();
    collector.begin();
  }

  /** Sends the go-ahead to a client that waits with its body. */
  #sendContinue(): void {
    const expected = this.header("expect");
    if (this.#continued || !expectsContinue(expected)) return;
    this.#continued = true;
    if (expected === EXPECTS_CONTINUE || this.#ended) return;
    this.#status_taken = true;
    // The library ends the status line. The additional line end makes the empty line that ends an answer without
    // headers.
    this.#res.cork(() => this.#res.writeStatus(`${STATUS_LINES[100]}\r\n`));
  }

  /** Passes on the body piece by piece. Pieces that were held back follow after this call. */
  #read(passOn: TakePiece): void {
    const held = this.#held;
    const take = this.#head.chunked ? this.#delayEnd(passOn) : passOn;
    if (held === null) {
      this.#onData(take);
      return;
    }
    const pieces = this.#releaseBody(held, take);
    process.nextTick(() => {
      for (const [piece, last] of pieces) take(piece, last);
    });
  }

  /**
   * Delays the end of a chunked body until the library has parsed the bytes that came with it. If the library finds no
   * request there, it answers with an error of its own, and nothing may have been executed by then. For the same reason
   * nothing more is read for QUIET_AFTER_CHUNKS_MS. A client that goes in that time is only noticed afterwards.
   */
  #delayEnd(take: TakePiece): TakePiece {
    return (piece, last) => {
      if (!last) {
        take(piece, false);
        return;
      }
      this.#res.pause();
      this.#quiet = setTimeout(() => this.#endQuiet(), QUIET_AFTER_CHUNKS_MS);
      whenRead(() => {
        if (!this.#ended) take(EMPTY, true);
      });
    };
  }

  #endQuiet(): void {
    if (this.#quiet === null) return;
    clearTimeout(this.#quiet);
    this.#quiet = null;
    if (!this.#ended) this.#res.resume();
  }

  /** Stops holding back the body. Returns the pieces that have arrived. */
  #releaseBody(held: HeldBody, take: TakePiece): HeldBody["pieces"] {
    this.#held = null;
    held.take = take;
    if (!this.#ended && !this.#refused) this.#res.resume();
    return held.pieces.splice(0);
  }

  stream(onPiece: () => void): BodyStream {
    this.detach();
    const stream = new BodyStream({
      pause: () => {
        if (!this.#ended) this.#res.pause();
      },
      resume: () => {
        if (!this.#ended && !this.#refused) this.#res.resume();
      },
    });
    this.onAbort(() => stream.abort());
    this.#read((piece, last) => {
      if (this.#close_after) {
        this.#discard(piece.byteLength, last);
        return;
      }
      stream.push(copyOf(piece), last);
      onPiece();
    });
    this.#sendContinue();
    return stream;
  }

  /** Ends the connection with the answer; the rest of the body is dropped. */
  closeAfterAnswer(): void {
    this.#close_after_answer = true;
  }

  /** Whether a body was refused, and the answer is sent before its end. The connection then ends with the answer. */
  get #close_after(): boolean {
    return this.#close_after_answer || this.#collector?.given_up === true;
  }

  /** Whether the client waits for a go-ahead that it did not get. It may send its body all the same. */
  get #waits(): boolean {
    return !this.#continued && expectsContinue(this.header("expect")) && this.#bringsBody();
  }

  /**
   * Whether the connection ends with the answer, and the library must treat the answer as incomplete until then. If a
   * request arrives meanwhile, the library then closes the connection instead of executing it.
   */
  get #ends_held(): boolean {
    return (this.#close_after && !this.#body_ended) || this.#head.chunked || this.#waits;
  }

  /**
   * Drops a piece of a refused body. Beyond the limit the body stays in the system's buffers, which stops the sender.
   */
  #discard(bytes: number, last: boolean): void {
    const before = this.#discardedBytes;
    this.#discardedBytes += bytes;
    this.#body_ended = last;
    // Deferred, because the library still reads the buffer that a cut would release.
    if (last && this.#lingers) setImmediate(() => this.cut());
    else if (before <= REFUSED_LINGER_BYTES_MAX && this.#discardedBytes > REFUSED_LINGER_BYTES_MAX && !this.#ended)
      this.#res.pause();
  }

  /** Sends the answer. */
  send(reply: WireReply): void {
    if (this.#ended || this.#written) {
      reply.discard?.();
      return;
    }
    // In the handler's own call the response is already corked.
    if (this.#req === null) {
      if (this.#held !== null) this.#releaseBody(this.#held, discardPiece);
      this.#res.cork(() => this.#write(reply));
    } else if (isLong(reply.body) && this.#bringsBody()) this.#writeAfterBody(reply);
    else if (this.#head.closes || answerBudget.isOver()) this.#writeLater(reply);
    else this.#write(reply);
  }

  /**
   * Answers after the library has finished its read. Until then the answer is incomplete, so the library closes the
   * connection at a further request in the same read. A client that asks to end the connection sends nothing more (RFC
   * 9112, 9.6), but the library would pass that on, too.
   */
  #writeLater(reply: WireReply): void {
    this.detach();
    this.#streaming = true;
    whenRead(() => {
      if (this.#ended || this.#written) reply.discard?.();
      else this.#res.cork(() => this.#write(reply));
    });
  }

  /** Whether the client sends a body that no handler has requested. */
  #bringsBody(): boolean {
    const length = this.header("content-length");
    return (length !== "" && length !== "0") || this.header("transfer-encoding") !== "";
  }

  /**
   * Answers after the body has arrived. The body is dropped. If the connection ends with the answer, the library would
   * close it with unread bytes, and the end of a long answer would be lost.
   */
  #writeAfterBody(reply: WireReply): void {
    this.detach();
    let bytes = 0;
    this.#read((piece, last) => {
      bytes += piece.byteLength;
      if (this.#ended || (!last && bytes <= BODY_BYTES_MAX)) return;
      if (last) this.#writeLater(reply);
      // Deferred, because the library still reads the buffer that a cut would release.
      else setImmediate(() => this.cut());
    });
  }

  /** Breaks the connection, because no answer would be correct. */
  cut(): void {
    if (!this.#ended) this.#res.close();
  }

  #write({ status, headers: { name, rest }, body, unsent_bytes, discard }: WireReply): void {
    const res = this.#res;
    this.#written = true;
    const line = STATUS_LINES[status] ?? String(status);
    const first = this.#status_taken ? `HTTP/1.1 ${line}\r\n${name}` : name;
    if (status !== 200) res.writeStatus(line);
    if (body === null || this.#head_only) {
      if (typeof body === "function") discard?.();
      this.#writeHead(first, rest, body === null || typeof body === "function" ? unsent_bytes : byteLength(body));
      return;
    }
    if (body.length === 0 && typeof body !== "function") {
      this.#writeHead(first, rest, 0);
      return;
    }
    if (this.#is_cut && typeof body !== "function") {
      this.#writeHeld(first, rest, body);
      return;
    }
    this.#endQuiet();
    res.writeHeader(first, wireHeaders(rest + (this.#closes ? CLOSE : KEEP_ALIVE)));
    if (typeof body === "function") body(this.#openSink(this.#is_cut));
    else this.#writeBody(body);
  }

  /** Whether the connection ends with the answer. */
  get #closes(): boolean {
    return this.#ends_held || this.#close_after || this.#head.closes;
  }

  /** Whether the connection ends with the answer and must be ended by this class, not by the library. */
  get #is_cut(): boolean {
    return this.#ends_held || (this.#closes && !this.#head.library_closes);
  }

  /**
   * Writes an answer without a body.
   * @param length the length of the body that a GET would get; undefined if it is unknown
   */
  #writeHead(name: string, rest: string, length: number | undefined): void {
    const res = this.#res;
    // Without any body byte the library does not report backpressure, so the connection ends.
    if (length === undefined || length === 0 || this.#is_cut) {
      this.#writeHeld(name, length === undefined ? rest : `${rest}\r\nContent-Length: ${length}`, null);
      return;
    }
    this.#endQuiet();
    res.writeHeader(name, wireHeaders(rest + (this.#closes ? CLOSE : KEEP_ALIVE)));
    // An empty piece of a body of `length` bytes. This writes the length, and reports backpressure.
    const [taken] = res.tryEnd(EMPTY, length);
    if (taken) {
      res.endWithoutBody();
      this.#finish();
      return;
    }
    this.#watch();
    this.#streaming = true;
    res.onWritable(() => {
      const [drained] = res.tryEnd(EMPTY, length);
      if (!drained) return false;
      res.cork(() => res.endWithoutBody());
      this.#finish();
      return true;
    });
  }

  /** Writes a body at the socket's pace. Otherwise the library would copy the unsent part, and lose track of it. */
  #writeBody(body: string | Uint8Array): void {
    const res = this.#res;
    const given = typeof body === "string" && body.length > SHORT_TEXT_CHARACTERS ? Buffer.from(body) : body;
    const [, whole] = res.tryEnd(typeof given === "string" ? wireText(given) : given, 0);
    if (whole) {
      this.#finish();
      return;
    }
    this.#watch();
    this.#streaming = true;
    const bytes = typeof given === "string" ? Buffer.from(given) : given;
    res.onWritable((offset) => {
      const [taken, sent] = res.tryEnd(bytes.subarray(offset), bytes.byteLength);
      if (!sent) return taken;
      this.#finish();
      return true;
    });
  }

  /** Marks the answer as complete, and notifies the listeners if it was a long one. */
  #finish(): void {
    this.#ended = true;
    if (!this.#streaming) return;
    for (const listener of this.#abort_listeners?.splice(0) ?? []) listener();
  }

  /**
   * Writes a whole answer and keeps the connection open for reading. The library can only end both together, and unread
   * bytes then reset the connection. So the body is written after the last header, while the library still expects
   * headers. The library adds a line end to each header. After JSON text it is part of the body, and without a body it
   * ends the headers. After stored bytes it is superfluous, which does no harm, because the connection ends.
   */
  #writeHeld(name: string, rest: string, body: string | Uint8Array | null): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) + "\r\n".length : (body?.byteLength ?? 0);
    const head = `${rest}${CLOSE}${body === null ? "" : `\r\nContent-Length: ${length}\r\n`}\r\n`;
    const whole =
      typeof body === "object" && body !== null ? Buffer.concat([Buffer.from(head), body]) : head + (body ?? "");
    this.#watch();
    this.#streaming = true;
    this.#res.writeHeader(name, typeof whole === "string" ? wireText(whole) : whole);
    const sends_on = this.#close_after && !this.#body_ended;
    if (sends_on && this.#head.fault === null && !this.#head.chunked) this.#lingers = true;
    else {
      // The library would parse whatever arrives until the cut.
      if (this.fault === CHUNKS_UNPAID) this.#res.pause();
      this.#cutAfterRead(length);
    }
  }

  /** Ends the connection after the client had time to read its answer, unless the client closes it earlier. */
  #cutAfterRead(length: number): void {
    const long = length > PROMPT_ANSWER_BYTES_MAX;
    if (long) this.#endQuiet();
    const timer = setTimeout(
      () => {
        this.#endQuiet();
        // The bytes that have arrived are read first: unread bytes would reset the connection.
        setImmediate(() => this.cut());
      },
      long ? REQUEST_TIMEOUT_MS : CLOSING_LINGER_MS,
    );
    this.onAbort(() => clearTimeout(timer));
  }

  /** @param held whether this class cuts the connection at the end of the answer, as in `#writeHeld` */
  #openSink(held: boolean): Sink {
    const res = this.#res;
    this.#watch();
    this.#streaming = true;
    let drained: () => void = () => undefined;
    res.onWritable(() => {
      drained();
      return true;
    });
    return {
      write: (text) => {
        if (this.#ended) return true;
        let taken = true;
        res.cork(() => {
          taken = res.write(wireText(text));
        });
        return taken;
      },
      end: (cut = false) => {
        if (this.#ended) return;
        if (cut) {
          res.close();
          return;
        }
        if (held) {
          // The last chunk, written as if it were a header. The line end that the library adds to a header ends the
          // body.
          res.cork(() => res.writeHeader("\r\n0\r\nX-Closes", "1\r\n"));
          this.#cutAfterRead(Number.POSITIVE_INFINITY);
          return;
        }
        res.cork(() => res.end());
        this.#finish();
      },
      onDrain: (listener) => {
        drained = listener;
      },
      onClose: (listener) => {
        this.onAbort(listener);
      },
    };
  }
}

/** Whether an answer is too long to reach its reader before the connection ends. */
function isLong(body: WireReply["body"]): boolean {
  return body !== null && typeof body !== "function" && body.length > PROMPT_ANSWER_BYTES_MAX;
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

let due: (() => void)[] = [];

/** Calls back in the next event-loop tick, after the library has finished its read. */
function whenRead(task: () => void): void {
  if (due.length === 0) setImmediate(runDue);
  due.push(task);
}

function runDue(): void {
  const tasks = due;
  due = [];
  for (const task of tasks) task();
}

function discardPiece(): void {
  // The library skips the rest of a body when its request is answered.
}

/**
 * Copies a chunk, because uWebSockets.js takes it back when the handler returns. A small copy comes from Node's pool.
 */
function copyOf(chunk: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(chunk.byteLength);
  copy.set(chunk);
  return copy;
}
