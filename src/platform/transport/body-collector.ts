/**
 * Collects a whole request body in memory, or refuses it. The rest of a refused body is read and dropped, up to a
 * limit: if the connection were cut while the client still sends, the client would never read the answer. Runs on the
 * front, and does not depend on the HTTP library.
 */
import { BODY_BYTES_MAX, REFUSED_BODY_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import { BUSY, Failure } from "../../base/result.js";

const EMPTY = new Uint8Array(0);

/** Supplies the limits for a body, and receives the collected body. */
export interface BodyReceiver {
  /** The maximum size of the body in bytes; BODY_BYTES_MAX by default. */
  readonly bytesMax?: number;
  /**
   * Reserves memory for more bytes. If it returns false, there is no memory: the body is refused, and its earlier
   * reservations are freed.
   */
  readonly reserve: (bytes: number) => boolean;
  /** Called with the body, or with the 413 or 503 failure that refuses it. */
  readonly done: (body: Uint8Array | Failure) => void;
  /** Called if the body has not arrived together with its headers, so that the caller can start a time limit. */
  readonly partial: () => void;
}

export class BodyCollector {
  readonly #receiver: BodyReceiver;
  readonly #bytesMax: number;
  #refused: Failure | null = null;
  #first = true;
  #chunks: Uint8Array[] | null = null;
  #size = 0;
  #givenUp = false;

  /**
   * @param declared Content-Length; NaN or 0 if there is none
   */
  constructor(declared: number, receiver: BodyReceiver) {
    this.#receiver = receiver;
    this.#bytesMax = receiver.bytesMax ?? BODY_BYTES_MAX;
    this.#givenUp = declared > this.#bytesMax;
  }

  /**
   * Whether the body was refused before its end. Later pieces are dropped, and the connection is closed after the
   * answer.
   */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** Refuses a body whose declared length is too large. Called before the first piece is read. */
  begin(): void {
    if (this.#givenUp) this.#receiver.done(tooLarge(this.#bytesMax));
  }

  /**
   * Adds a piece of the body.
   * @param keep copies the piece, because the HTTP library may reuse the piece's memory
   */
  push(piece: Uint8Array, last: boolean, keep: (piece: Uint8Array) => Uint8Array): void {
    const { reserve, done, partial } = this.#receiver;
    this.#size += piece.byteLength;
    if (this.#size > this.#bytesMax) this.#refused ??= tooLarge(this.#bytesMax);
    else if (this.#refused === null && !reserve(piece.byteLength)) this.#refused = BUSY;
    const whole = this.#first && last;
    if (this.#first && (!last || this.#refused !== null)) partial();
    this.#first = false;
    if (this.#refused !== null) {
      this.#chunks = null;
      this.#givenUp = !last && this.#size > REFUSED_BODY_BYTES_MAX;
      if (last || this.#givenUp) done(this.#refused);
    } else if (whole) {
      done(piece.byteLength === 0 ? EMPTY : keep(piece));
    } else {
      this.#chunks ??= [];
      if (piece.byteLength > 0) this.#chunks.push(keep(piece));
      if (last) done(joinChunks(this.#chunks, this.#size));
    }
  }
}

function tooLarge(bytesMax: number): Failure {
  return new Failure("OUT_OF_RANGE", `body larger than ${bytesMax} bytes`);
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
