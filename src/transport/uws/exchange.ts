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
  REFUSED_LINGER_BYTES_MAX,
  WHOLE_ANSWER_BYTES_MAX,
} from "../../../schemas/limits.js";
import { REASON_PHRASES } from "../../../schemas/status.js";
import { BodyCollector, type BodyReceiver } from "../body-collector.js";
import { BodyStream } from "../body-stream.js";
import type { HeaderBlock, Sink, WireReply } from "../reply.js";
import type { Exchange } from "../transport.js";
import { bodyFaultOf } from "./body-fault.js";
import { wireText } from "./text.js";

const STATUS_LINES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(REASON_PHRASES).map(([status, phrase]) => [status, `${status} ${phrase}`]),
);
/**
 * The library closes a connection that is idle for 8 to 12 s: it looks every 4 s. A client that keeps a pool can go by
 * it, and does not write to a connection that is being closed.
 */
const KEEP_ALIVE = "\r\nKeep-Alive: timeout=8";

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
  readonly #head_only: boolean;
  #ended = false;
  #collector: BodyCollector | null = null;
  #held: HeldBody | null = null;
  #close_after_answer = false;
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

  /** The library takes what others would refuse. Only until `detach`. */
  get body_fault(): string | null {
    return this.#req === null ? null : bodyFaultOf(this.#req);
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
    const held: HeldBody = { declared: Number(this.header("content-length")), pieces: [], take: null };
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
    const collector = new BodyCollector(this.#held?.declared ?? Number(this.header("content-length")), receiver);
    this.detach();
    this.#read((piece, last) => {
      if (collector.given_up) this.#throwAway(piece.byteLength, last);
      else collector.push(piece, last, copyOf);
    });
    this.#collector = collector;
    collector.begin();
  }

  /** Has the body taken as it comes; what was held back of it behind this call. */
  #read(take: TakePiece): void {
    const held = this.#held;
    if (held === null) {
      this.#res.onData((chunk, last) => take(new Uint8Array(chunk), last));
      return;
    }
    const pieces = this.#letGo(held, take);
    process.nextTick(() => {
      for (const [piece, last] of pieces) take(piece, last);
    });
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
    if (this.#req === null) {
      if (this.#held !== null) this.#letGo(this.#held, throwPiece);
      this.#res.cork(() => this.#write(reply));
    } else if (isLong(reply.body) && this.#bringsBody()) this.#writeBehindBody(reply);
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
    res.writeHeader(headers.name, this.#close_after ? headers.rest : headers.rest + KEEP_ALIVE);
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
      res.end(typeof body === "string" ? wireText(body) : body, this.#close_after);
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
      wireText(`${headers.rest}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${body}`),
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

function throwPiece(): void {
  // The library passes over what is left of a body when its request is answered.
}

/** uWebSockets.js takes a chunk back when its handler returns. A small copy comes from Node's pool. */
function copyOf(chunk: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(chunk.byteLength);
  copy.set(chunk);
  return copy;
}
