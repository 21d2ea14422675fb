/**
 * One request and its answer on the wire: the only file that touches uWebSockets.js requests and
 * responses. It copies what it needs at once (a request is only valid until the handler returns),
 * collects bodies within bounds, writes answers corked, and streams with the peer's pace. Whether a
 * request may pass, and what is answered, is the pipeline's.
 *
 * Pipelined requests: the library hands over every request of a read, one after the other, for as long as each is
 * answered before its handler returns. It closes the connection at a request that comes while the answer before is not
 * whole. Both bound what a connection can demand: an answer is whole only when the socket has taken it, so a client
 * that does not read gets no further answer; and a turn of the event loop answers so many requests at once, and leaves
 * the others to the next turn.
 */
import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import {
  BODY_BYTES_MAX,
  CLOSING_LINGER_MS,
  PROMPT_ANSWER_BYTES_MAX,
  QUIET_AFTER_CHUNKS_MS,
  REFUSED_LINGER_BYTES_MAX,
  REQUEST_TIMEOUT_MS,
} from "../../../schemas/limits.js";
import { REASON_PHRASES } from "../../../schemas/status.js";
import type { Failure } from "../../base/result.js";
import { expectsContinue } from "../ambiguity.js";
import { BodyCollector, type BodyReceiver } from "../body-collector.js";
import { BodyStream } from "../body-stream.js";
import type { Sink, WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { AnswerTurn } from "./answer-turn.js";
import { RequestHead } from "./head.js";
import { wireHeaders, wireText } from "./text.js";

const STATUS_LINES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(REASON_PHRASES).map(([status, phrase]) => [status, `${status} ${phrase}`]),
);
/**
 * The library closes a connection that is idle for 8 to 12 s: it looks every 4 s. A client that keeps a pool can go by
 * it, and does not write to a connection that is being closed.
 */
const KEEP_ALIVE = "\r\nKeep-Alive: timeout=8";
const CLOSE = "\r\nConnection: close";
/** As the library knows it: in this case alone it sends the go-ahead, and before anyone is asked. */
const EXPECTS_CONTINUE = "100-continue";
const EMPTY = new Uint8Array(0);
const READS = new Set(["get", "head", "options"]);
/** A longer text is turned into bytes once, before the socket is asked for the first time. */
const SHORT_TEXT_CHARACTERS = 64 * 1024;

/** What all connections are answered while the library reads. */
const turn = new AnswerTurn();

/** Takes a body piece by piece; a piece is the library's until it returns. */
type TakePiece = (piece: Uint8Array, last: boolean) => void;

/** A body that is held back. */
interface HeldBody {
  /** Content-Length; NaN or 0 where there is none. */
  readonly declared: number;
  /** What was on its way. */
  readonly pieces: (readonly [piece: Uint8Array, last: boolean])[];
  /** Takes what comes from now on; null while it is held back. */
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
  /** The client that waits with its body was told to go on. */
  #continued = false;
  /** The library takes the go-ahead for the status line. */
  #status_taken = false;
  /** What it has not read yet waits in the system's buffers. */
  #quiet: NodeJS.Timeout | null = null;
  #body_ended = false;
  #thrown_away = 0;
  #lingers = false;
  #streaming = false;
  #abort_listeners: (() => void)[] | null = null;

  /** @param head_only the method is HEAD: headers as for GET, no body */
  constructor(res: HttpResponse, req: HttpRequest, head_only: boolean) {
    this.#res = res;
    this.#req = req;
    this.#head = new RequestHead(req);
    this.#head_only = head_only;
  }

  /** A header by its lower-case name, "" where absent. */
  header(name: string): string {
    return this.#head.get(name);
  }

  has(name: string): boolean {
    return this.#head.has(name);
  }

  /** The path as sent. Only until `detach`. */
  get path(): string {
    return this.#req?.getUrl() ?? "";
  }

  /** What follows `?`. Only until `detach`. */
  get query(): string | undefined {
    return this.#req?.getQuery();
  }

  /** The method in lower case. Only until `detach`. */
  get verb(): string {
    return this.#req?.getMethod() ?? "";
  }

  /** The address of the socket's other end; IPv6 is written out in full. Only until the answer. */
  get peer(): string {
    return this.#ended ? "" : Buffer.from(this.#res.getRemoteAddressAsText()).toString("latin1");
  }

  /** The library takes what others would refuse. */
  get fault(): Failure | null {
    return this.#head.fault;
  }

  /**
   * What changes something waits until the library has read what came with it: where that is no request, the library
   * answers with an error of its own, and nothing may have been carried out by then.
   */
  get body_first(): boolean {
    return this.#head.chunked || (!READS.has(this.verb) && !(this.#declared > BODY_BYTES_MAX));
  }

  /** Content-Length; 0 where there is none. */
  get #declared(): number {
    return Number(this.header("content-length"));
  }

  /** True once the answer has begun or the client has gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True while a long answer is being written; `onAbort` tells of its end, too. */
  get streaming(): boolean {
    return this.#streaming && !this.#ended;
  }

  /**
   * True while a client that has its refusal sends on: `cut` it when that was long enough; `onAbort` tells of its end.
   */
  get lingers(): boolean {
    return this.#lingers && !this.#ended;
  }

  /** The answer will come after the handler has returned. */
  detach(): void {
    this.#req = null;
    this.#watch();
  }

  /** Called when the client has gone before the whole answer, or a long answer is at its end. */
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
    this.#res.onData((chunk, last) => {
      const piece = new Uint8Array(chunk);
      if (held.take === null) held.pieces.push([copyOf(piece), last]);
      else held.take(piece, last);
    });
    this.#res.pause();
  }

  receive(receiver: BodyReceiver): void {
    const done = (body: Uint8Array | Failure): void =>
      whenRead(() => {
        if (!this.#ended) receiver.done(body);
      });
    const collector = new BodyCollector(this.#held?.declared ?? this.#declared, { ...receiver, done });
    this.detach();
    this.#read((piece, last) => {
      if (collector.given_up) this.#throwAway(piece.byteLength, last);
      else collector.push(piece, last, copyOf);
    });
    this.#collector = collector;
    if (!collector.given_up) this.#goAhead();
    collector.begin();
  }

  /** Tells a client that waits with its body to send it. */
  #goAhead(): void {
    const expected = this.header("expect");
    if (this.#continued || !expectsContinue(expected)) return;
    this.#continued = true;
    if (expected === EXPECTS_CONTINUE || this.#ended) return;
    this.#status_taken = true;
    // The library ends the line: the empty one after it is the end of an answer without headers.
    this.#res.cork(() => this.#res.writeStatus(`${STATUS_LINES[100]}\r\n`));
  }

  /** Has the body taken as it comes; what was held back of it behind this call. */
  #read(taker: TakePiece): void {
    const held = this.#held;
    const take = this.#head.chunked ? this.#endLater(taker) : taker;
    if (held === null) {
      this.#res.onData((chunk, last) => take(new Uint8Array(chunk), last));
      return;
    }
    const pieces = this.#letGo(held, take);
    process.nextTick(() => {
      for (const [piece, last] of pieces) take(piece, last);
    });
  }

  /**
   * The end of a chunked body is told when the library has taken in what came with it: where it finds no request there,
   * it answers with an error of its own, and nothing may have been carried out by then. For the same reason nothing
   * more is read for a while: only a client whose answer takes longer is to be noticed when it goes.
   */
  #endLater(take: TakePiece): TakePiece {
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

  /** Ends the holding back of the body; gives back what had come of it. */
  #letGo(held: HeldBody, take: TakePiece): HeldBody["pieces"] {
    this.#held = null;
    held.take = take;
    if (!this.#ended) this.#res.resume();
    return held.pieces.splice(0);
  }

  stream(onPiece: () => void): BodyStream {
    this.detach();
    const stream = new BodyStream({
      pause: () => {
        if (!this.#ended) this.#res.pause();
      },
      resume: () => {
        if (!this.#ended) this.#res.resume();
      },
    });
    this.onAbort(() => stream.abort());
    this.#read((piece, last) => {
      if (this.#close_after) {
        this.#throwAway(piece.byteLength, last);
        return;
      }
      stream.push(copyOf(piece), last);
      onPiece();
    });
    this.#goAhead();
    return stream;
  }

  /** The connection ends with the answer: what is left of the body is thrown away. */
  closeAfterAnswer(): void {
    this.#close_after_answer = true;
  }

  /** The answer goes out before the end of a body that was refused, and the connection ends with it. */
  get #close_after(): boolean {
    return this.#close_after_answer || this.#collector?.given_up === true;
  }

  /** The client may or may not send its body: it was not told to. */
  get #waits(): boolean {
    return !this.#continued && expectsContinue(this.header("expect")) && this.#bringsBody();
  }

  /**
   * The connection ends with the answer, and until then the library is to think that the answer is not whole: of what
   * comes meanwhile it carries nothing out, but closes the connection.
   */
  get #ends_held(): boolean {
    return (this.#close_after && !this.#body_ended) || this.#head.chunked || this.#waits;
  }

  /**
   * What comes of a body behind its refusal. Past the bound it is left in the system's buffers: that stops the sender.
   */
  #throwAway(bytes: number, last: boolean): void {
    const before = this.#thrown_away;
    this.#thrown_away += bytes;
    this.#body_ended = last;
    // Not here: the library reads on, on what it has given back.
    if (last && this.#lingers) setImmediate(() => this.cut());
    else if (before <= REFUSED_LINGER_BYTES_MAX && this.#thrown_away > REFUSED_LINGER_BYTES_MAX && !this.#ended)
      this.#res.pause();
  }

  /** Sends the answer. */
  send(reply: WireReply): void {
    if (this.#ended) {
      reply.discard?.();
      return;
    }
    // In the handler's own turn the response is corked already.
    if (this.#req === null) {
      if (this.#held !== null) this.#letGo(this.#held, throwPiece);
      this.#res.cork(() => this.#write(reply));
    } else if (isLong(reply.body) && this.#bringsBody()) this.#writeBehindBody(reply);
    else if (this.#head.closes || turn.isOver()) this.#writeLater(reply);
    else this.#write(reply);
  }

  /**
   * Answers when the library has read on. Until then the answer is not whole: at a request behind this one in the same
   * read the library closes the connection. A client that asks for the connection's end sends nothing behind it
   * (RFC 9112, 9.6), and the library would hand that over, too.
   */
  #writeLater(reply: WireReply): void {
    this.detach();
    this.#streaming = true;
    whenRead(() => {
      if (this.#ended) reply.discard?.();
      else this.#res.cork(() => this.#write(reply));
    });
  }

  /** Whether the client sends a body that nobody asked for. */
  #bringsBody(): boolean {
    const length = this.header("content-length");
    return (length !== "" && length !== "0") || this.header("transfer-encoding") !== "";
  }

  /**
   * Answers when the body has come, which is thrown away: where the connection is to end with the answer, the library
   * ends it with what it has not read, and the end of a long answer is lost with it.
   */
  #writeBehindBody(reply: WireReply): void {
    this.detach();
    let bytes = 0;
    this.#read((piece, last) => {
      bytes += piece.byteLength;
      if (this.#ended || (!last && bytes <= BODY_BYTES_MAX)) return;
      if (last) this.#writeLater(reply);
      else this.cut();
    });
  }

  /** Breaks the connection: nothing that could be answered would be true. */
  cut(): void {
    if (!this.#ended) this.#res.close();
  }

  #write({ status, headers: { name, rest }, body, unsent_bytes, discard }: WireReply): void {
    const res = this.#res;
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

  /** Whether it ends with the answer, and the library does not end it by itself. */
  get #is_cut(): boolean {
    return this.#ends_held || (this.#closes && !this.#head.library_closes);
  }

  /**
   * An answer without a body.
   * @param length of the body that a GET would get; undefined where that is not known
   */
  #writeHead(name: string, rest: string, length: number | undefined): void {
    const res = this.#res;
    // A socket that is to take no byte cannot be asked whether it is behind: the connection ends.
    if (length === undefined || length === 0 || this.#is_cut) {
      this.#writeHeld(name, length === undefined ? rest : `${rest}\r\nContent-Length: ${length}`, null);
      return;
    }
    this.#endQuiet();
    res.writeHeader(name, wireHeaders(rest + (this.#closes ? CLOSE : KEEP_ALIVE)));
    // None of so many bytes: that writes the length, and tells whether the socket is behind.
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

  /**
   * A body, as the socket takes it: the library would copy what it cannot send at once, and forget that it is not sent.
   */
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

  /** The answer is whole; those that took it for a long one are told. */
  #finish(): void {
    this.#ended = true;
    if (!this.#streaming) return;
    for (const listener of this.#abort_listeners?.splice(0) ?? []) listener();
  }

  /**
   * A whole answer that leaves the connection open to be read: the library ends both together, and what it has not read
   * by then resets the connection. So the body goes out behind the last header, where the library still expects
   * headers. The line end that it puts behind a header is the last of a text, which is JSON, or ends the headers;
   * behind stored bytes it is nobody's: the connection ends.
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
    else this.#cutSoon(length);
  }

  /** Ends the connection when the client has had time to read its answer, unless it does so before. */
  #cutSoon(length: number): void {
    const long = length > PROMPT_ANSWER_BYTES_MAX;
    if (long) this.#endQuiet();
    const timer = setTimeout(
      () => {
        this.#endQuiet();
        // What has come by then is read first: bytes that nobody has read would reset the connection.
        setImmediate(() => this.cut());
      },
      long ? REQUEST_TIMEOUT_MS : CLOSING_LINGER_MS,
    );
    this.onAbort(() => clearTimeout(timer));
  }

  /** @param held its end leaves the connection to be cut, as `#writeHeld` does */
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
          // The last chunk, as a header of the library's, which ends with what ends the body.
          res.cork(() => res.writeHeader("\r\n0\r\nX-Closes", "1\r\n"));
          this.#cutSoon(Number.POSITIVE_INFINITY);
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

/** Whether an answer is too long to be with its reader before the connection ends. */
function isLong(body: WireReply["body"]): boolean {
  return body !== null && typeof body !== "function" && body.length > PROMPT_ANSWER_BYTES_MAX;
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

let due: (() => void)[] = [];

/** Calls back in the next turn of the loop, when the library has read on. */
function whenRead(task: () => void): void {
  if (due.length === 0) setImmediate(runDue);
  due.push(task);
}

function runDue(): void {
  const tasks = due;
  due = [];
  for (const task of tasks) task();
}

function throwPiece(): void {
  // The library passes over what is left of a body when its request is answered.
}

/** uWebSockets.js takes a chunk back when its handler returns. A small copy comes from Node's pool. */
function copyOf(chunk: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(chunk.byteLength);
  copy.set(chunk);
  return copy;
}
