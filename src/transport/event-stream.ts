/**
 * An answer that is a stream of Server-Sent Events: its headers, the comment that keeps a quiet one awake, and
 * whether its socket is behind. Whose events they are is others' business. Runs on the front.
 */
import { SSE_COMMENT_INTERVAL_MS } from "../../schemas/limits.js";
import { headerBlock, type Sink } from "./reply.js";
import { SocketBuffer } from "./socket-buffers.js";

export const EVENT_STREAM_HEADERS = headerBlock([
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store"],
  ["X-Accel-Buffering", "no"],
]);

/** A message is there as text, made for its stream, and as what the socket has of it. */
const COPIES = 2;

export class EventStream {
  readonly #sink: Sink;
  #commented_ms: number;
  readonly #buffer = new SocketBuffer();
  #behind = false;
  #closed = false;

  constructor(sink: Sink, now_ms: number) {
    this.#sink = sink;
    sink.onClose(() => {
      this.#closed = true;
      this.#buffer.set(0);
    });
    this.#commented_ms = now_ms;
  }

  /** Whether the socket took less than it was given: nothing should be written before it has drained. */
  get behind(): boolean {
    return this.#behind;
  }

  /** The headers leave with the first write: the client learns that it is subscribed. */
  begin(): void {
    this.#sink.write(": subscribed\n\n");
  }

  /** Sends whole messages; false where the socket is behind now. */
  write(text: string): boolean {
    if (this.#closed) return false;
    // Room is taken before: what is written is in memory, whether or not its reader is cut then.
    if (!this.#buffer.set(COPIES * Buffer.byteLength(text))) {
      this.#behind = true;
      this.#sink.end(true);
      return false;
    }
    this.#behind = !this.#sink.write(text);
    if (!this.#behind) this.#buffer.set(0);
    return !this.#behind;
  }

  /** A comment, when it is time for one and the socket would take it. */
  comment(now_ms: number): void {
    if (this.#behind || now_ms - this.#commented_ms < SSE_COMMENT_INTERVAL_MS) return;
    this.#commented_ms = now_ms;
    this.write(": still here\n\n");
  }

  drained(): void {
    this.#behind = false;
    this.#buffer.set(0);
  }

  end(): void {
    this.#sink.end();
  }
}
