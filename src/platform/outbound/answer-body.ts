/**
 * Collects the body of an answer from another server. Limits the number of small pieces as well as the bytes, because
 * the HTTP library delivers each chunk of a body by itself, even a tiny one. Runs on the front.
 */
import { Writable } from "node:stream";
import { OUTBOUND_PIECE_BYTES_MIN, OUTBOUND_SMALL_PIECES_MAX } from "../../../schemas/limits/outbound.js";

/** The limit that a body exceeded, so that it was not read to its end. */
export type BodyExcess = "bytes" | "pieces";

export class AnswerBody extends Writable {
  readonly #bytesMax: number;
  readonly #onExcess: (excess: BodyExcess) => void;
  #parts: Buffer[] = [];
  #bytes = 0;
  /**
   * Counts the small pieces: a piece adds 1, and each OUTBOUND_PIECE_BYTES_MIN bytes subtract 1. Limits the number of
   * very small pieces in a body.
   */
  #small = 0;

  /** @param onExcess called at once when a limit is exceeded. It ends the exchange, so that nothing more is read */
  constructor(bytesMax: number, onExcess: (excess: BodyExcess) => void) {
    super();
    this.#bytesMax = bytesMax;
    this.#onExcess = onExcess;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts, this.#bytes);
  }

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    this.#bytes += part.byteLength;
    this.#small = Math.max(0, this.#small + 1 - part.byteLength / OUTBOUND_PIECE_BYTES_MIN);
    if (this.#bytes > this.#bytesMax) this.#refuse("bytes");
    else if (this.#small > OUTBOUND_SMALL_PIECES_MAX) this.#refuse("pieces");
    else this.#parts.push(part);
    done();
  }

  #refuse(excess: BodyExcess): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#onExcess(excess);
  }
}
