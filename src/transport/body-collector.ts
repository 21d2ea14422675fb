/**
 * Collects a whole request body in memory, and decides whether it is refused. A refused body is read and dropped up to
 * a limit, because a client that is cut off while it sends never reads the answer. Runs on the front, and does not
 * depend on the HTTP library.
 */
import { BODY_BYTES_MAX, REFUSED_BODY_BYTES_MAX } from "../../schemas/limits/request-bodies.js";
import { BUSY, Failure } from "../base/result.js";

const EMPTY = new Uint8Array(0);

/** The receiver of a body. */
export interface BodyReceiver {
  /** The largest size of the body in bytes; BODY_BYTES_MAX by default. */
  readonly bytes_max?: number;
  /**
   * Reserves memory for more bytes. If it returns false, it has freed the body's earlier reservations, and the body is
   * refused.
   */
  readonly reserve: (bytes: number) => boolean;
  /** Called with the body, or with the 413 or 503 that refuses it. */
  readonly done: (body: Uint8Array | Failure) => void;
  /** Called if the body does not arrive in one piece with its headers. */
  readonly partial: () => void;
}

export class BodyCollector {
  readonly #receiver: BodyReceiver;
  readonly #bytes_max: number;
  #refused: Failure | null = null;
  #first = true;
  #chunks: Uint8Array[] | null = null;
  #size = 0;
  #given_up = false;

  /**
   * @param declared Content-Length; NaN or 0 if there is none
   */
  constructor(declared: number, receiver: BodyReceiver) {
    this.#receiver = receiver;
    this.#bytes_max = receiver.bytes_max ?? BODY_BYTES_MAX;
    this.#given_up = declared > this.#bytes_max;
  }

  /**
   * Whether the body was refused before its end. Later pieces are then dropped, and the connection is closed after the
   * answer.
   */
  get given_up(): boolean {
    return this.#given_up;
  }

  /** Refuses a body whose declared length is too large. Called before the first piece is read. */
  begin(): void {
    if (this.#given_up) this.#receiver.done(tooLarge(this.#bytes_max));
  }

  /**
   * Adds a piece of the body.
   * @param keep copies a piece into memory that the collector owns
   */
  push(piece: Uint8Array, last: boolean, keep: (piece: Uint8Array) => Uint8Array): void {
    const { reserve, done, partial } = this.#receiver;
    this.#size += piece.byteLength;
    if (this.#size > this.#bytes_max) this.#refused ??= tooLarge(this.#bytes_max);
    else if (this.#refused === null && !reserve(piece.byteLength)) this.#refused = BUSY;
    const whole = this.#first && last;
    if (this.#first && (!last || this.#refused !== null)) partial();
    this.#first = false;
    if (this.#refused !== null) {
      this.#chunks = null;
      this.#given_up = !last && this.#size > REFUSED_BODY_BYTES_MAX;
      if (last || this.#given_up) done(this.#refused);
    } else if (whole) {
      done(piece.byteLength === 0 ? EMPTY : keep(piece));
    } else {
      this.#chunks ??= [];
      if (piece.byteLength > 0) this.#chunks.push(keep(piece));
      if (last) done(joinChunks(this.#chunks, this.#size));
    }
  }
}

function tooLarge(bytes_max: number): Failure {
  return new Failure("OUT_OF_RANGE", `body larger than ${bytes_max} bytes`);
}

function joinChunks(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
