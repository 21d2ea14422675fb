/**
 * A request's body as it comes, for bodies that are too large to be held: whoever reads it sets the pace.
 * A bounded queue between the socket and its reader. Runs on the front; knows no library.
 */
import { BODY_AHEAD_BYTES_MAX, REFUSED_BODY_BYTES_MAX } from "../../schemas/limits.js";

/** A body that is too large to be held. */
export interface RequestStream {
  /** The next piece; null at the end, undefined where the client has gone. */
  read(): Promise<Uint8Array | null | undefined>;
}

/** The socket's side. */
export interface BodyFlow {
  /** No more pieces for now; those that are on their way may still come. */
  pause(): void;
  resume(): void;
}

export class BodyStream implements RequestStream {
  readonly #flow: BodyFlow;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #gone = false;
  #paused = false;
  #thrown_away = -1;
  #wake: () => void = () => undefined;

  constructor(flow: BodyFlow) {
    this.#flow = flow;
  }

  /** True while the next piece is the client's to send. */
  get waits(): boolean {
    return !this.#ended && !this.#gone && !this.#paused;
  }

  /** A piece came; it is kept. */
  push(piece: Uint8Array, last: boolean): void {
    if (this.#thrown_away >= 0) {
      this.#thrown_away += piece.byteLength;
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

  /** The client has gone. */
  abort(): void {
    this.#gone = true;
    this.#wake();
  }

  async read(): Promise<Uint8Array | null | undefined> {
    while (this.#bytes === 0 && !this.#ended && !this.#gone) await this.#change();
    if (this.#gone) return undefined;
    if (this.#bytes === 0) return null;
    const [first = new Uint8Array(0), ...rest] = this.#pieces;
    const piece = rest.length === 0 ? first : Buffer.concat([first, ...rest], this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    this.#goOn();
    return piece;
  }

  /**
   * Throws away what is still to come: a client that is cut off while it sends never reads its answer.
   * @returns whether the body has ended; false where it is too long even for that
   */
  async discard(): Promise<boolean> {
    this.#pieces = [];
    this.#bytes = 0;
    this.#thrown_away = 0;
    this.#goOn();
    while (!this.#ended && !this.#gone && this.#thrown_away <= REFUSED_BODY_BYTES_MAX) await this.#change();
    return this.#ended;
  }

  #goOn(): void {
    if (!this.#paused || this.#gone) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
