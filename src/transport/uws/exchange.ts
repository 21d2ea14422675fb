/**
 * One request and its answer on the wire: the only file that touches uWebSockets.js requests and
 * responses. It copies what it needs at once (a request is only valid until the handler returns),
 * collects bodies within bounds, writes answers corked, and streams with the peer's pace. Whether a
 * request may pass, and what is answered, is the pipeline's.
 */
import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import {
  BODY_BYTES_MAX,
  PROMPT_ANSWER_BYTES_MAX,
  REFUSED_BODY_BYTES_MAX,
  REFUSED_LINGER_BYTES_MAX,
  WHOLE_ANSWER_BYTES_MAX,
} from "../../../schemas/limits.js";
import { REASON_PHRASES } from "../../../schemas/status.js";
import { Failure } from "../../base/result.js";
import { BodyStream } from "../body-stream.js";
import type { HeaderBlock, Sink, WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";

const STATUS_LINES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(REASON_PHRASES).map(([status, phrase]) => [status, `${status} ${phrase}`]),
);
const TOO_LARGE = new Failure("OUT_OF_RANGE", `body larger than ${BODY_BYTES_MAX} bytes`);
const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");
const EMPTY = new Uint8Array(0);

export class UwsExchange implements Exchange {
  readonly #res: HttpResponse;
  #req: HttpRequest | null;
  readonly #head_only: boolean;
  #ended = false;
  /** The body is refused as it comes: the answer goes out before its end, and the connection ends with it. */
  #close_after = false;
  #body_ended = false;
  #thrown_away = 0;
  #lingers = false;
  #streaming = false;
  #abort_listeners: (() => void)[] | null = null;

  /** @param head_only the method is HEAD: headers as for GET, no body */
  constructor(res: HttpResponse, req: HttpRequest, head_only: boolean) {
    this.#res = res;
    this.#req = req;
    this.#head_only = head_only;
  }

  /** A header by its lower-case name, "" where absent. Only until `detach`. */
  header(name: string): string {
    return this.#req?.getHeader(name) ?? "";
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

  /** The address of the socket's other end; IPv6 is written out in full. Only until `detach`. */
  get peer(): string {
    return this.#req === null ? "" : Buffer.from(this.#res.getRemoteAddressAsText()).toString("latin1");
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

  /**
   * Collects the body. Must be called before the handler returns.
   * @param reserve asks for room for so many more bytes in memory; false refuses
   * @param done gets the body, or the 413 or 503 that refuses it
   * @param partial the body does not come in one piece with its headers
   */
  receive(reserve: (bytes: number) => boolean, done: (body: Uint8Array | Failure) => void, partial: () => void): void {
    const declared = Number(this.header("content-length"));
    this.detach();
    let refused: Failure | null = declared > BODY_BYTES_MAX ? TOO_LARGE : null;
    let first = true;
    let chunks: Uint8Array[] | null = null;
    let size = 0;
    if (declared > REFUSED_BODY_BYTES_MAX) {
      this.#close_after = true;
      this.#res.onData((chunk, last) => this.#throwAway(chunk.byteLength, last));
      done(TOO_LARGE);
      return;
    }
    this.#res.onData((chunk, last) => {
      if (this.#close_after) {
        this.#throwAway(chunk.byteLength, last);
        return;
      }
      size += chunk.byteLength;
      refused ??= size > BODY_BYTES_MAX ? TOO_LARGE : reserve(chunk.byteLength) ? null : BUSY;
      if (refused !== null) {
        // The rest is taken in and thrown away: a client that is cut off while it sends never reads why.
        chunks = null;
        if (first) partial();
        first = false;
        this.#close_after = !last && size > REFUSED_BODY_BYTES_MAX;
        if (last || this.#close_after) done(refused);
        return;
      }
      if (first && last) {
        done(chunk.byteLength === 0 ? EMPTY : copyOf(chunk));
        return;
      }
      if (first) partial();
      first = false;
      chunks ??= [];
      chunks.push(copyOf(chunk));
      if (last) done(joinChunks(chunks, size));
    });
  }

  /**
   * Hands the body out as it comes. Must be called before the handler returns; `onPiece` is called after each piece.
   */
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
    this.#res.onData((chunk, last) => {
      if (this.#close_after) {
        this.#throwAway(chunk.byteLength, last);
        return;
      }
      stream.push(copyOf(chunk), last);
      onPiece();
    });
    return stream;
  }

  /** The connection ends with the answer: what is left of the body is thrown away. */
  closeAfterAnswer(): void {
    this.#close_after = true;
  }

  /**
   * What comes of a body behind its refusal. Past the bound it is left in the system's buffers: that stops the sender.
   */
  #throwAway(bytes: number, last: boolean): void {
    const before = this.#thrown_away;
    this.#thrown_away += bytes;
    this.#body_ended = last;
    if (last && this.#lingers) this.cut();
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
    if (this.#req === null) this.#res.cork(() => this.#write(reply));
    else if (isLong(reply.body) && this.#bringsBody()) this.#writeBehindBody(reply);
    else this.#write(reply);
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
    this.#res.onData((chunk, last) => {
      bytes += chunk.byteLength;
      if (this.#ended || (!last && bytes <= BODY_BYTES_MAX)) return;
      if (last) this.#res.cork(() => this.#write(reply));
      else this.cut();
    });
  }

  /** Breaks the connection: nothing that could be answered would be true. */
  cut(): void {
    if (!this.#ended) this.#res.close();
  }

  #write({ status, headers, body, discard }: WireReply): void {
    const res = this.#res;
    if (status !== 200) res.writeStatus(STATUS_LINES[status] ?? String(status));
    if (typeof body === "string" && this.#close_after && !this.#body_ended && !this.#head_only) {
      this.#writeLingering(headers, body);
      return;
    }
    res.writeHeader(headers.name, headers.rest);
    if (typeof body === "function") {
      if (!this.#head_only) {
        body(this.#openSink());
        return;
      }
      this.#ended = true;
      discard?.();
      res.endWithoutBody();
      return;
    }
    if (body !== null && body.length > WHOLE_ANSWER_BYTES_MAX && !this.#head_only && !this.#close_after) {
      this.#writePaced(typeof body === "string" ? Buffer.from(body) : body);
      return;
    }
    this.#ended = true;
    if (body === null) {
      res.endWithoutBody();
    } else if (this.#head_only) {
      res.writeHeader("Content-Length", String(typeof body === "string" ? Buffer.byteLength(body) : body.byteLength));
      res.endWithoutBody();
    } else {
      res.end(body, this.#close_after);
    }
  }

  /**
   * A large body, as the socket takes it: the library would copy what it cannot send at once, and forget that it is not
   * sent.
   */
  #writePaced(body: Uint8Array): void {
    const res = this.#res;
    const listeners = this.#watch();
    const [, whole] = res.tryEnd(body, body.byteLength);
    if (whole) {
      this.#ended = true;
      return;
    }
    this.#streaming = true;
    res.onWritable((offset) => {
      const [taken, sent] = res.tryEnd(body.subarray(offset), body.byteLength);
      if (!sent) return taken;
      this.#ended = true;
      for (const listener of listeners.splice(0)) listener();
      return true;
    });
  }

  /**
   * A whole answer that leaves the connection open to be read: the library ends both together, and what it has not
   * read by then resets the connection. So the body goes out behind the last header, where the library still expects
   * headers; the line end that it puts behind a header is the last of the body, which is JSON.
   */
  #writeLingering(headers: HeaderBlock, body: string): void {
    const length = Buffer.byteLength(body) + "\r\n".length;
    this.#watch();
    this.#streaming = true;
    this.#lingers = true;
    this.#res.writeHeader(
      headers.name,
      `${headers.rest}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );
  }

  #openSink(): Sink {
    const res = this.#res;
    const listeners = this.#watch();
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
          taken = res.write(text);
        });
        return taken;
      },
      end: (cut = false) => {
        if (this.#ended) return;
        if (cut) {
          res.close();
          return;
        }
        this.#ended = true;
        res.cork(() => res.end());
        for (const listener of listeners.splice(0)) listener();
      },
      onDrain: (listener) => {
        drained = listener;
      },
      onClose: (listener) => {
        listeners.push(listener);
      },
    };
  }
}

/** Whether an answer is too long to be with its reader before the connection ends. */
function isLong(body: WireReply["body"]): boolean {
  return body !== null && typeof body !== "function" && body.length > PROMPT_ANSWER_BYTES_MAX;
}

/** uWebSockets.js takes a chunk back when its handler returns. A small copy comes from Node's pool. */
function copyOf(chunk: ArrayBuffer): Uint8Array {
  const copy = Buffer.allocUnsafe(chunk.byteLength);
  copy.set(new Uint8Array(chunk));
  return copy;
}

function joinChunks(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
