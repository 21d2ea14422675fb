/**
 * Sends Server-Sent Events as the answer to a request. Sends the headers, the events that the caller passes, and
 * comments that keep a quiet stream open. Tracks whether the socket has unsent bytes (backpressure). Runs on the front.
 */
import { SSE_COMMENT_INTERVAL_MS } from "../../../schemas/limits/events.js";
import { headerBlock, type Sink } from "./reply.js";
import { SocketBuffer } from "./socket-buffers.js";

export const EVENT_STREAM_HEADERS = headerBlock([
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store"],
  ["X-Accel-Buffering", "no"],
]);

/**
 * How many copies of a text are in memory while it is being sent: the text itself, and its bytes in the socket's
 * buffer. Data that is already bytes needs no second copy, because all streams send the same bytes.
 */
const TEXT_COPIES = 2;

export class EventStream {
  readonly #sink: Sink;
  #commentedMs: number;
  readonly #buffer = new SocketBuffer();
  #behind = false;
  #closed = false;

  constructor(sink: Sink, nowMs: number) {
    this.#sink = sink;
    sink.onClose(() => {
      this.#closed = true;
      this.#buffer.set(0);
    });
    this.#commentedMs = nowMs;
  }

  /** Whether the socket has backpressure. If so, nothing should be written until it has drained. */
  get behind(): boolean {
    return this.#behind;
  }

  /** Sends the headers and a first comment, which shows the client that it is subscribed. */
  begin(): void {
    this.#sink.write(": subscribed\n\n");
  }

  /** Sends whole messages. Returns false if the socket has backpressure now. */
  write(data: string | Uint8Array): boolean {
    if (this.#closed) return false;
    // Count the data before the write, because it stays in memory even if the connection is then cut.
    if (!this.#buffer.set(typeof data === "string" ? TEXT_COPIES * Buffer.byteLength(data) : data.byteLength)) {
      this.#behind = true;
      this.#sink.end(true);
      return false;
    }
    this.#behind = !this.#sink.write(data);
    if (!this.#behind) this.#buffer.set(0);
    return !this.#behind;
  }

  /** Sends a comment, if one is due and the socket has no backpressure. Returns whether it has sent a comment. */
  comment(nowMs: number): boolean {
    if (this.#behind || nowMs - this.#commentedMs < SSE_COMMENT_INTERVAL_MS) return false;
    this.#commentedMs = nowMs;
    this.write(": still here\n\n");
    return true;
  }

  drained(): void {
    this.#behind = false;
    this.#buffer.set(0);
  }

  end(): void {
    this.#sink.end();
  }
}
