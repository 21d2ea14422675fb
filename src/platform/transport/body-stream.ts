/**
 * Streams a request body that is too large for memory. A bounded queue holds the pieces between the socket and the
 * reader. If the queue is full, the socket is not read until the reader has taken pieces. Runs on the front, and does
 * not depend on the HTTP library.
 */
import { BODY_AHEAD_BYTES_MAX, REFUSED_BODY_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";

/** A body that is too large for memory. */
export interface RequestStream {
  /** Returns the next piece; null at the end; undefined if the client has disconnected. */
  read(): Promise<Uint8Array | null | undefined>;
}

/** Pauses and resumes the reading from the socket. */
export interface BodyFlow {
  /** Stops reading from the socket for now. Pieces in flight may still arrive. */
  pause(): void;
  resume(): void;
}

export class BodyStream implements RequestStream {
  readonly #flow: BodyFlow;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #aborted = false;
  #paused = false;
  #discardedBytes = -1;
  #wake: () => void = () => undefined;

  constructor(flow: BodyFlow) {
    this.#flow = flow;
  }

  /** Whether the stream waits for the client to send the next piece. */
  get waits(): boolean {
    return !this.#ended && !this.#aborted && !this.#paused;
  }

  /** Adds a piece. The stream owns the piece's memory from now on. */
  push(piece: Uint8Array, last: boolean): void {
    if (this.#discardedBytes >= 0) {
      this.#discardedBytes += piece.byteLength;
    } else if (piece.byteLength > 0) {
      this.#pieces.push(piece);
      this.#bytes += piece.byteLength;
    }
    this.#ended = last;
    if (!last && !this.#paused && this.#bytes >= BODY_AHEAD_BYTES_MAX) {
      this.#paused = true;
      this.#flow.pause();
    }
    this.#wake();
  }

  /** Makes `read` return undefined, because the client has disconnected. */
  abort(): void {
    this.#aborted = true;
    this.#wake();
  }

  async read(): Promise<Uint8Array | null | undefined> {
    while (this.#bytes === 0 && !this.#ended && !this.#aborted) await this.#change();
    if (this.#aborted) return undefined;
    if (this.#bytes === 0) return null;
    const [first = new Uint8Array(0), ...rest] = this.#pieces;
    const piece = rest.length === 0 ? first : Buffer.concat([first, ...rest], this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    this.#resume();
    return piece;
  }

  /**
   * Reads and drops the rest of the body. If the connection were cut while the client still sends, the client would
   * never read its answer.
   * @returns true if the body has ended, false if it exceeds REFUSED_BODY_BYTES_MAX
   */
  async discard(): Promise<boolean> {
    this.#pieces = [];
    this.#bytes = 0;
    this.#discardedBytes = 0;
    this.#resume();
    while (!this.#ended && !this.#aborted && this.#discardedBytes <= REFUSED_BODY_BYTES_MAX) await this.#change();
    return this.#ended;
  }

  #resume(): void {
    if (!this.#paused || this.#aborted) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
