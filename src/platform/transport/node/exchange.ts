/**
 * Implements `Exchange` for Node's own HTTP: one request and its answer. Collects bodies up to a limit, and writes long
 * answers only as fast as the client reads them. The pipeline decides whether a request may pass, and what its answer
 * is.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { WHOLE_ANSWER_BYTES_MAX } from "../../../../schemas/limits/answers.js";
import { REQUEST_TIMEOUT_MS } from "../../../../schemas/limits/connections.js";
import {
  BODY_BYTES_MAX,
  REFUSED_LINGER_BYTES_MAX,
  REFUSED_LINGER_MS,
} from "../../../../schemas/limits/request-bodies.js";
import { REASON_PHRASES } from "../../../../schemas/status.js";
import { Failure } from "../../../base/result.js";
import { BodyCollector, type BodyReceiver } from "../body-collector.js";
import { BodyStream } from "../body-stream.js";
import { ChunkMeter, CHUNKS_REFUSAL, CHUNKS_TOO_SMALL } from "../chunk-meter.js";
import { clientOf, requestTurns } from "../request-turns.js";
import { headerLines, type Sink, type WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { faultOf } from "./malformed.js";

const EMPTY = new Uint8Array(0);

/** Whether the request's body has arrived, and whether a handler has requested it. */
type BodyPlace =
  /** There is no body, or all of it has arrived. */
  | "here"
  /** At most a part of the body has arrived, and no handler has requested the body. */
  | "unrequested"
  | "in flight";

export class NodeExchange implements Exchange {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  /** The offset of the `?` in the URL; the length of the URL if it has no query. */
  readonly #queryAt: number;
  #body: BodyPlace;
  /** Whether the client waits for `100 Continue` before it sends its body. */
  readonly #expects: boolean;
  #collector: BodyCollector | null = null;
  /** Delivers the refusal of the body to the handler that reads the body. */
  #refuseBody: (refusal: Failure) => void = () => undefined;
  #closeAfterAnswer = false;
  #ended = false;
  #streaming = false;
  #lingers = false;
  #discardedBytes = 0;
  #abortListeners: (() => void)[] | null = null;

  /** @param expects whether the request has `Expect: 100-continue` */
  constructor(req: IncomingMessage, res: ServerResponse, expects = false) {
    this.#req = req;
    this.#res = res;
    this.#expects = expects;
    const { headers, url = "" } = req;
    const at = url.indexOf("?");
    this.#queryAt = at < 0 ? url.length : at;
    const length = headers["content-length"];
    // A failed write to a client that has disconnected is not an error. The end of the connection is reported
    // separately.
    res.on("error", ignore);
    const bodiless = (length === undefined || length === "0") && headers["transfer-encoding"] === undefined;
    this.#body = bodiless ? "here" : "unrequested";
  }

  header(name: string): string {
    const value = this.#req.headers[name];
    return value === undefined ? "" : fromWire(typeof value === "string" ? value : value.join(", "));
  }

  has(name: string): boolean {
    return this.#req.headers[name] !== undefined;
  }

  get path(): string {
    return (this.#req.url ?? "").slice(0, this.#queryAt);
  }

  get query(): string | undefined {
    const { url = "" } = this.#req;
    return this.#queryAt === url.length ? undefined : url.slice(this.#queryAt + 1);
  }

  get verb(): string {
    return (this.#req.method ?? "").toLowerCase();
  }

  get peer(): string {
    return this.#req.socket.remoteAddress ?? "";
  }

  get fault(): Failure | null {
    return faultOf(this.#req);
  }

  /** False, because Node's parser always finds the end of a body correctly. So no request must wait for its body. */
  get bodyFirst(): false {
    return false;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get streaming(): boolean {
    return this.#streaming && !this.#ended;
  }

  get lingers(): boolean {
    return this.#lingers && !this.#ended;
  }

  detach(): void {
    this.#watch();
  }

  onAbort(listener: () => void): void {
    this.#watch().push(listener);
  }

  #watch(): (() => void)[] {
    if (this.#abortListeners === null) {
      this.#abortListeners = [];
      this.#res.on("close", () => this.#end());
    }
    return this.#abortListeners;
  }

  /** Notifies the listeners that the client has disconnected, or that a long answer has ended. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#abortListeners?.splice(0) ?? []) listener();
  }

  holdBody(): void {
    // Do not pause the body: Node reads at most one buffer of it before a handler requests it.
    this.#watch();
  }

  receive(receiver: BodyReceiver): void {
    const declared = Number(this.header("content-length"));
    // The body arrives in a later tick than the headers. Count the request again, in the tick that handles the body.
    const done = (body: Uint8Array | Failure): void => {
      const bytes = body instanceof Failure ? 0 : body.byteLength;
      if (!requestTurns.isOver(bytes)) receiver.done(body);
      else
        requestTurns.add(
          () => clientOf(this),
          () => (this.#ended ? undefined : receiver.done(body)),
          bytes,
        );
    };
    const collector = new BodyCollector(declared, { ...receiver, done });
    this.#collector = collector;
    this.#refuseBody = (refusal) => {
      if (!collector.givenUp) receiver.done(refusal);
    };
    this.#watch();
    if (this.#body === "here") {
      collector.push(EMPTY, true, unchanged);
      return;
    }
    collector.begin();
    if (collector.givenUp) return;
    // Start the time limit of the body now, because it also applies if no byte of the body ever arrives.
    receiver.partial();
    this.#read(declared, (piece, last) => {
      if (collector.givenUp) this.#discard(piece.byteLength, last);
      else collector.push(piece, last, unchanged);
    });
  }

  stream(onPiece: () => void): BodyStream {
    this.#watch();
    const stream = new BodyStream({
      pause: () => this.#req.pause(),
      resume: () => this.#req.resume(),
    });
    this.onAbort(() => stream.abort());
    const push = (piece: Uint8Array, last: boolean): void => {
      if (this.#closeAfterAnswer) {
        this.#discard(piece.byteLength, last);
        return;
      }
      stream.push(piece, last);
      onPiece();
    };
    if (this.#body === "here") process.nextTick(() => push(EMPTY, true));
    else this.#read(Number(this.header("content-length")), push);
    return stream;
  }

  closeAfterAnswer(): void {
    this.#closeAfterAnswer = true;
  }

  /** Whether the connection is closed after the answer, because the body is refused. */
  get #closes(): boolean {
    return this.#closeAfterAnswer || this.#collector?.givenUp === true;
  }

  /**
   * Starts to read the body.
   * @param declared Content-Length; NaN or 0 if there is none
   * @param take called with each piece. `last` is true for the last piece, which is empty if there is no Content-Length
   */
  #read(declared: number, take: (piece: Uint8Array, last: boolean) => void): void {
    const req = this.#req;
    let size = 0;
    this.#body = "in flight";
    if (this.#expects && !this.#res.headersSent) this.#res.writeContinue();
    const meter = this.has("transfer-encoding") ? new ChunkMeter() : null;
    req.on("data", (piece: Buffer) => {
      if (meter?.isOver === true) return;
      if (meter?.take(piece.byteLength) === false) {
        this.#refuseChunks();
        return;
      }
      size += piece.byteLength;
      const last = size === declared;
      if (last) this.#body = "here";
      take(piece, last);
    });
    req.on("end", () => {
      if (this.#body === "here") return;
      this.#body = "here";
      take(EMPTY, true);
    });
  }

  /**
   * Refuses a body of tiny chunks, because each chunk costs a call. Reads no more of the body. The rest stays in the
   * system's buffers. So the client gets the answer before its connection is cut.
   */
  #refuseChunks(): void {
    const { socket } = this.#req;
    this.#req.pause();
    setTimeout(() => socket.destroy(), REFUSED_LINGER_MS).unref();
    if (this.#ended || this.#res.headersSent) return;
    this.#closeAfterAnswer = true;
    this.#refuseBody(CHUNKS_TOO_SMALL);
    if (this.#ended || this.#res.headersSent) return;
    this.#write(CHUNKS_REFUSAL);
    // Notify a handler that has not answered yet, as if the client had disconnected.
    this.#end();
  }

  /**
   * Drops a piece of a refused body. Reads no more after REFUSED_LINGER_BYTES_MAX bytes. The body then fills the
   * system's buffers, which stops the sender.
   */
  #discard(bytes: number, last: boolean): void {
    const before = this.#discardedBytes;
    this.#discardedBytes += bytes;
    if (last && this.#lingers) this.#endStream();
    else if (before <= REFUSED_LINGER_BYTES_MAX && this.#discardedBytes > REFUSED_LINGER_BYTES_MAX) this.#req.pause();
  }

  send(reply: WireReply): void {
    if (this.#ended) reply.discard?.();
    else if (this.#body === "unrequested" && !this.#expects && !this.#closes) this.#writeAfterBody(reply);
    else this.#write(reply);
  }

  /**
   * Answers only after the whole body was read, because no handler has requested it. If the connection were closed
   * while bytes are unread, the system would reset it, and the client might lose the answer.
   */
  #writeAfterBody(reply: WireReply): void {
    let bytes = 0;
    let written = false;
    const write = (isWhole: boolean): void => {
      written = true;
      clearTimeout(timer);
      this.#closeAfterAnswer ||= !isWhole;
      if (this.#ended) reply.discard?.();
      else this.#write(reply);
    };
    // If the client sends its body too slowly, answer before the body has ended, and then cut the connection.
    let timer = setTimeout(() => {
      write(false);
      timer = setTimeout(() => this.cut(), REFUSED_LINGER_MS);
    }, REQUEST_TIMEOUT_MS);
    this.onAbort(() => {
      clearTimeout(timer);
      if (!written) reply.discard?.();
    });
    this.#read(Number(this.header("content-length")), (piece, last) => {
      bytes += piece.byteLength;
      if (written) this.#discard(piece.byteLength, last);
      else if (last || bytes > BODY_BYTES_MAX) write(last);
    });
  }

  cut(): void {
    if (!this.#ended) this.#req.socket.destroy();
  }

  #write({ status, headers, body, unsentBytes, discard }: WireReply): void {
    const res = this.#res;
    const lines = headerLines({ name: headers.name, rest: toWire(headers.rest) });
    const headOnly = this.#req.method === "HEAD";
    const lingers = this.#body !== "here" && (this.#closes || this.#body === "unrequested");
    if (lingers || this.#closes) lines.push("Connection", "close");
    if (typeof body === "function") {
      res.writeHead(status, REASON_PHRASES[status], lines);
      if (!headOnly) {
        body(this.#openSink());
        return;
      }
      this.#ended = true;
      discard?.();
      res.end();
      return;
    }
    const length = body === null ? unsentBytes : Buffer.byteLength(body);
    if (length !== undefined) lines.push("Content-Length", String(length));
    res.writeHead(status, REASON_PHRASES[status], lines);
    if (lingers) {
      this.#linger(headOnly ? null : body);
    } else if (body === null || headOnly) {
      this.#ended = true;
      res.end();
    } else if (body.length > WHOLE_ANSWER_BYTES_MAX) {
      this.#watch();
      this.#streaming = true;
      // Cut the connection if the client does not read the answer for this time.
      this.#req.socket.setTimeout(REQUEST_TIMEOUT_MS);
      res.end(body, () => {
        this.#req.socket.setTimeout(0);
        this.#end();
      });
    } else {
      this.#ended = true;
      if (typeof body === "string") res.end(body);
      else res.end(asLatin1(body), "latin1");
    }
  }

  /**
   * Writes a whole answer, but keeps the connection open for reading. It stays open until the client has sent
   * everything or is cut off.
   */
  #linger(body: string | Uint8Array | null): void {
    this.#watch();
    this.#streaming = true;
    this.#lingers = true;
    if (body === null) this.#res.flushHeaders();
    else this.#res.write(body);
    // No handler has started to read the body, so start here.
    if (this.#body === "unrequested") this.#read(0, (piece, last) => this.#discard(piece.byteLength, last));
  }

  #endStream(): void {
    this.#res.end();
    this.#end();
  }

  #openSink(): Sink {
    const res = this.#res;
    this.#watch();
    this.#streaming = true;
    let drained: () => void = () => undefined;
    return {
      write: (piece) => {
        const { socket } = res;
        if (this.#ended || socket === null) return true;
        // Cork the socket, so that it gets everything at once. Bytes that are still unsent afterwards mean
        // backpressure.
        socket.cork();
        res.write(piece);
        socket.uncork();
        if (socket.writableLength === 0) return true;
        // Cut the connection if the client does not read for this time. The timeout applies only during backpressure,
        // because a stream may be quiet for long.
        socket.setTimeout(REQUEST_TIMEOUT_MS);
        socket.write(EMPTY, () => {
          socket.setTimeout(0);
          drained();
        });
        return false;
      },
      end: (cut = false) => {
        if (this.#ended) return;
        if (cut) this.cut();
        else this.#endStream();
      },
      onDrain: (listener) => {
        drained = listener;
      },
      onClose: (listener) => {
        this.#watch().push(listener);
      },
    };
  }
}

/**
 * Converts bytes to a text with one character for each byte. Node writes a text together with the headers, but bytes in
 * a separate write.
 */
function asLatin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

/**
 * Matches characters of a header that must be converted. Headers are UTF-8, but Node writes each character as one byte.
 */
const NOT_ASCII = /[^\0-\x7f]/;

function fromWire(value: string): string {
  return NOT_ASCII.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}

function toWire(headers: string): string {
  return NOT_ASCII.test(headers) ? Buffer.from(headers, "utf8").toString("latin1") : headers;
}

function ignore(): void {
  // Nothing to do. The listener must exist, because a stream without one throws its errors.
}

/** Returns the piece itself. No copy is needed, because Node does not reuse the memory of a body's pieces. */
function unchanged(piece: Uint8Array): Uint8Array {
  return piece;
}
