/**
 * Implements `Exchange` for uWebSockets.js: one request and its answer. The library's request is valid only until the
 * handler returns, so the class copies the parts that it needs later. It corks its writes, and writes long answers only
 * as fast as the client reads them. request-body.ts reads the body. The pipeline decides whether a request may pass,
 * and what its answer is. If a client pipelines requests, the library delivers all requests of one read, one after the
 * other. Each must be answered before its handler returns. If a request arrives before the previous answer is complete,
 * the library closes the connection. Two rules limit the load of one connection. First, an answer is complete only when
 * the socket has sent it, so a client that does not read gets no further answer. Second, one event-loop tick handles a
 * limited number of requests, and leaves the others to later ticks.
 */
import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { PROMPT_ANSWER_BYTES_MAX } from "../../../../schemas/limits/answers.js";
import { CLOSING_LINGER_MS, REQUEST_TIMEOUT_MS } from "../../../../schemas/limits/connections.js";
import { BODY_BYTES_MAX } from "../../../../schemas/limits/request-bodies.js";
import { REASON_PHRASES } from "../../../../schemas/status.js";
import type { Failure } from "../../../base/result.js";
import { expectsContinue } from "../ambiguity.js";
import type { BodyReceiver } from "../body-collector.js";
import type { BodyStream } from "../body-stream.js";
import { CHUNKS_UNPAID } from "../chunk-meter.js";
import { type Sink, type WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { clientOf, requestTurns } from "../request-turns.js";
import { RequestHead } from "./head.js";
import { type BodyOwner, chunkDebts, RequestBody } from "./request-body.js";
import { wireHeaders, wireText } from "./text.js";
import { whenRead } from "./when-read.js";

const STATUS_LINES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(REASON_PHRASES).map(([status, phrase]) => [status, `${status} ${phrase}`]),
);
/**
 * Tells clients to stop reusing an idle connection after 8 s. The library closes an idle connection after 8 to 12 s,
 * because it checks every 4 s.
 */
const KEEP_ALIVE = "\r\nKeep-Alive: timeout=8";
const CLOSE = "\r\nConnection: close";
const EMPTY = new Uint8Array(0);
const READS = new Set(["get", "head", "options"]);
/**
 * The maximum length of a text that is passed to the library as it is. A longer text is converted to bytes once, before
 * the first write to the socket.
 */
const SHORT_TEXT_CHARACTERS = 64 * 1024;

export class UwsExchange implements Exchange, BodyOwner {
  readonly #res: HttpResponse;
  #req: HttpRequest | null;
  readonly #head: RequestHead;
  /** The request line of a request that waits for a later tick; null if it was handled at once. */
  #line: { readonly path: string; readonly query: string | undefined; readonly verb: string } | null = null;
  /** Whether the request was counted by `requestTurns`. */
  #counted = false;
  readonly #headOnly: boolean;
  #ended = false;
  /** The reader of the request's body; null until a handler asks for the body. */
  #body: RequestBody | null = null;
  #closeAfterAnswer = false;
  #lingers = false;
  #streaming = false;
  /** Whether the beginning of the answer was written. */
  #written = false;
  #abortListeners: (() => void)[] | null = null;

  /** @param headOnly whether the method is HEAD. The answer then has the headers of a GET, and no body. */
  constructor(res: HttpResponse, req: HttpRequest, headOnly: boolean) {
    this.#res = res;
    this.#req = req;
    this.#head = new RequestHead(req);
    this.#headOnly = headOnly;
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
    return this.#req?.getUrl() ?? this.#line?.path ?? "";
  }

  /** The part after `?`. Valid until `detach`. */
  get query(): string | undefined {
    return this.#req === null ? this.#line?.query : this.#req.getQuery();
  }

  /** The method in lower case. Valid until `detach`. */
  get verb(): string {
    return this.#req?.getMethod() ?? this.#line?.verb ?? "";
  }

  /**
   * Handles the request. If this tick has handled enough requests, the request waits for a later tick. If the request
   * may have a body, it is handled at once, because its body must be received at once. It waits for a later tick when
   * its body has arrived.
   * @returns whether the request was handled at once
   */
  handleInTurn(handle: (exchange: UwsExchange) => void): boolean {
    // Also answer at once if the request's framing is refused. Otherwise the library might take its body for a further
    // request, and close the connection.
    const mayWait = READS.has(this.verb) && !this.#bringsBody() && this.#head.fault === null;
    this.#counted = mayWait;
    if (!mayWait || !requestTurns.isOver()) {
      handle(this);
      return true;
    }
    this.#line = { path: this.path, query: this.query, verb: this.verb };
    this.detach();
    requestTurns.add(
      () => clientOf(this),
      () => {
        if (!this.#ended) handle(this);
      },
    );
    return false;
  }

  /**
   * The address of the client's end of the connection. An IPv6 address is written out in full. After the answer it is
   * "".
   */
  get peer(): string {
    return this.#ended ? "" : Buffer.from(this.#res.getRemoteAddressAsText()).toString("latin1");
  }

  /**
   * Returns the reason why the request is refused; null if it may be executed. The library itself would accept
   * ambiguous requests.
   */
  get fault(): Failure | null {
    const { chunked, fault } = this.#head;
    return fault ?? (chunked && chunkDebts.has(this.peer, performance.now()) ? CHUNKS_UNPAID : null);
  }

  /**
   * Whether the request is executed only after its body has arrived. It is true for a chunked body, and for a request
   * that may change something. The library may find malformed bytes after the body, and then answers with an error
   * itself. The request must not have been executed by then.
   */
  get bodyFirst(): boolean {
    return this.#head.chunked || (!READS.has(this.verb) && !(this.#head.contentLength > BODY_BYTES_MAX));
  }

  /** Whether the answer has started or the client has disconnected. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether a long answer is being written. The listeners of `onAbort` are also called at its end. */
  get streaming(): boolean {
    return this.#streaming && !this.#ended;
  }

  /** Whether the beginning of the answer was written. */
  get written(): boolean {
    return this.#written;
  }

  /**
   * Whether a client whose request was refused is still sending its body. The caller must `cut` the connection after a
   * while. The listeners of `onAbort` are called at its end.
   */
  get lingers(): boolean {
    return this.#lingers && !this.#ended;
  }

  /**
   * Keeps the exchange open after the handler has returned. If the answer comes later, the handler must call this. If
   * no handler reads the body, starts to skip it, because otherwise the end of the body would not be noticed.
   */
  detach(): void {
    if (this.#body === null && this.#bringsBody()) this.#bodyReader.skip();
    this.#req = null;
    this.#watch();
  }

  /**
   * Adds a listener. It is called if the client disconnects before it has received the whole answer, and at the end of
   * a long answer.
   */
  onAbort(listener: () => void): void {
    this.#watch().push(listener);
  }

  #watch(): (() => void)[] {
    if (this.#abortListeners !== null) return this.#abortListeners;
    const listeners: (() => void)[] = [];
    this.#abortListeners = listeners;
    this.#res.onAborted(() => {
      this.#ended = true;
      for (const listener of listeners.splice(0)) listener();
    });
    return listeners;
  }

  get #bodyReader(): RequestBody {
    this.#body ??= new RequestBody(this.#res, this.#head, this);
    return this.#body;
  }

  holdBody(): void {
    this.#bodyReader.hold();
  }

  receive(receiver: BodyReceiver): void {
    this.#bodyReader.receive(receiver);
  }

  stream(onPiece: () => void): BodyStream {
    return this.#bodyReader.stream(onPiece);
  }

  runInTurn(handle: () => void, bodyBytes: number): void {
    this.#counted = true;
    const unlessEnded = (): void => {
      if (!this.#ended) handle();
    };
    requestTurns.add(() => clientOf(this), unlessEnded, bodyBytes);
  }

  /** Closes the connection after the answer. The rest of the body is dropped. */
  closeAfterAnswer(): void {
    this.#closeAfterAnswer = true;
  }

  /** Whether the connection is closed after the answer, because the body is refused. */
  get closesAfterAnswer(): boolean {
    return this.#closeAfterAnswer || this.#body?.givenUp === true;
  }

  /**
   * Whether the client still waits for a `100 Continue`, which the server did not send. The client may send its body
   * nevertheless.
   */
  get #waits(): boolean {
    return this.#body?.continued !== true && expectsContinue(this.header("expect")) && this.#bringsBody();
  }

  /**
   * Whether the connection is closed after the answer while the client may still send more. For the library, such an
   * answer must stay incomplete. Then the library closes the connection if a further request arrives, instead of
   * executing that request.
   */
  get #endsHeld(): boolean {
    return (this.closesAfterAnswer && this.#body?.ended !== true) || this.#head.chunked || this.#waits;
  }

  /** Sends the answer. */
  send(reply: WireReply): void {
    if (this.#ended || this.#written) {
      reply.discard?.();
      return;
    }
    // No cork is needed while the handler runs, because the response is already corked.
    if (isLong(reply.body) && this.#isUnread) this.#writeAfterBody(reply);
    else if (this.#req === null) {
      this.#body?.drop();
      this.answer(reply);
    } else if (this.#head.closes || (!this.#counted && requestTurns.isOver() && this.#head.fault === null))
      this.#writeLater(reply);
    else this.#write(reply);
  }

  answer(reply: WireReply): void {
    this.#res.cork(() => this.#write(reply));
  }

  /**
   * Writes the answer only after the library has finished its current read. Until then the answer is incomplete, so the
   * library closes the connection if the read contains a further request. After a complete answer, the library would
   * execute that request, even if the client has asked to end the connection (RFC 9112, 9.6).
   */
  #writeLater(reply: WireReply): void {
    this.detach();
    this.#streaming = true;
    whenRead(() => {
      if (this.#ended || this.#written) reply.discard?.();
      else this.answer(reply);
    });
  }

  /** Whether the request has a body. */
  #bringsBody(): boolean {
    const length = this.header("content-length");
    return (length !== "" && length !== "0") || this.header("transfer-encoding") !== "";
  }

  /**
   * Whether the request has a body that no handler reads, and whose end has not arrived yet. A client that waits for a
   * `100 Continue` may never send its body, so its body does not count.
   */
  get #isUnread(): boolean {
    const isUnread = this.#body === null ? this.#req !== null && this.#bringsBody() : this.#body.isSkipping;
    return isUnread && !this.#waits;
  }

  /**
   * Answers only after all of a skipped body has arrived. Otherwise the library could close the connection while bytes
   * are unread, and the client would lose the end of a long answer. If the body exceeds BODY_BYTES_MAX, the connection
   * is cut.
   */
  #writeAfterBody(reply: WireReply): void {
    this.detach();
    this.#bodyReader.afterSkipped((whole) => {
      if (this.#ended) reply.discard?.();
      else if (whole) this.#writeLater(reply);
      // Defer the cut, because it would release the buffer from which the library still reads.
      else setImmediate(() => this.cut());
    });
  }

  /** Breaks the connection. Called if no answer would be correct. */
  cut(): void {
    if (!this.#ended) this.#res.close();
  }

  #write({ status, headers: { name, rest }, body, unsentBytes, discard }: WireReply): void {
    const res = this.#res;
    this.#written = true;
    const line = STATUS_LINES[status] ?? String(status);
    const first = this.#body?.statusTaken === true ? `HTTP/1.1 ${line}\r\n${name}` : name;
    if (status !== 200) res.writeStatus(line);
    if (body === null || this.#headOnly) {
      if (typeof body === "function") discard?.();
      this.#writeHead(first, rest, body === null || typeof body === "function" ? unsentBytes : byteLength(body));
      return;
    }
    if (body.length === 0 && typeof body !== "function") {
      this.#writeHead(first, rest, 0);
      return;
    }
    if (this.#isCut && typeof body !== "function") {
      this.#writeHeld(first, rest, body);
      return;
    }
    this.#body?.endQuiet();
    res.writeHeader(first, wireHeaders(rest + (this.#closes ? CLOSE : KEEP_ALIVE)));
    if (typeof body === "function") body(this.#openSink(this.#isCut));
    else this.#writeBody(body);
  }

  /** Whether the connection is closed after the answer. */
  get #closes(): boolean {
    return this.#endsHeld || this.closesAfterAnswer || this.#head.closes;
  }

  /** Whether this class itself ends the connection after the answer. If false, the library ends it. */
  get #isCut(): boolean {
    return this.#endsHeld || (this.#closes && !this.#head.libraryCloses);
  }

  /**
   * Writes an answer without a body.
   * @param length the length of the body that a GET would get; undefined if it is unknown
   */
  #writeHead(name: string, rest: string, length: number | undefined): void {
    const res = this.#res;
    // The library reports backpressure only for a body length above 0. Without such a length, the connection must end
    // after the answer.
    if (length === undefined || length === 0 || this.#isCut) {
      this.#writeHeld(name, length === undefined ? rest : `${rest}\r\nContent-Length: ${length}`, null);
      return;
    }
    this.#body?.endQuiet();
    res.writeHeader(name, wireHeaders(rest + (this.#closes ? CLOSE : KEEP_ALIVE)));
    // Write an empty piece of a body of `length` bytes. So the library writes the Content-Length, and reports
    // backpressure.
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
   * Writes a body as fast as the client reads it. If everything were written at once, the library would copy the unsent
   * part, and would not report when that part was sent.
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

  /** Marks the answer as complete, and notifies the listeners if it was a long answer. */
  #finish(): void {
    this.#ended = true;
    if (!this.#streaming) return;
    for (const listener of this.#abortListeners?.splice(0) ?? []) listener();
  }

  /**
   * Writes a whole answer and keeps the connection open for reading. The library cannot do this: it ends the answer and
   * the connection together, and unread bytes would then reset the connection. So the body is written as if it were the
   * last header, while the library still expects headers. The library adds a line end after each header. After a JSON
   * text, the line end counts as a part of the body. If there is no body, the line end completes the headers. After
   * stored bytes it is one line end too many, which does no harm, because the connection ends.
   */
  #writeHeld(name: string, rest: string, body: string | Uint8Array | null): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) + "\r\n".length : (body?.byteLength ?? 0);
    const head = `${rest}${CLOSE}${body === null ? "" : `\r\nContent-Length: ${length}\r\n`}\r\n`;
    const whole =
      typeof body === "object" && body !== null ? Buffer.concat([Buffer.from(head), body]) : head + (body ?? "");
    this.#watch();
    this.#streaming = true;
    this.#res.writeHeader(name, typeof whole === "string" ? wireText(whole) : whole);
    const sendsOn = this.closesAfterAnswer && this.#body?.ended !== true;
    if (sendsOn && this.#head.fault === null && !this.#head.chunked) this.#lingers = true;
    else {
      // Stop reading. Otherwise the library would parse all bytes that arrive before the cut.
      if (this.fault === CHUNKS_UNPAID) this.#res.pause();
      this.#cutAfterRead(length);
    }
  }

  /**
   * Cuts the connection after a delay, so that the client can read its answer. The client may close the connection
   * earlier.
   */
  #cutAfterRead(length: number): void {
    const long = length > PROMPT_ANSWER_BYTES_MAX;
    if (long) this.#body?.endQuiet();
    const timer = setTimeout(
      () => {
        this.#body?.endQuiet();
        // Cut the connection only after all bytes that have arrived were read. Otherwise the unread bytes would reset
        // it.
        setImmediate(() => this.cut());
      },
      long ? REQUEST_TIMEOUT_MS : CLOSING_LINGER_MS,
    );
    this.onAbort(() => clearTimeout(timer));
  }

  /** @param held whether this class ends the connection after the answer; otherwise the library does */
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
      write: (piece) => {
        if (this.#ended) return true;
        let taken = true;
        res.cork(() => {
          taken = res.write(typeof piece === "string" ? wireText(piece) : piece);
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
          // Write the last chunk of the body as if it were a header. The library adds a line end after each header, and
          // this line end completes the body.
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

/** Whether an answer is so long that the client may still be reading it when the connection ends. */
function isLong(body: WireReply["body"]): boolean {
  return body !== null && typeof body !== "function" && body.length > PROMPT_ANSWER_BYTES_MAX;
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}
