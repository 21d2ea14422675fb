/**
 * Meters the chunks of a body with `Transfer-Encoding: chunked`. Each chunk costs a call on the front, so a body of tiny
 * chunks costs a hundred times what its bytes cost. The meter is a leaky bucket: each chunk takes one of
 * SMALL_CHUNKS_MAX, and every CHUNK_BYTES_MIN bytes give one back. So a client may begin byte by byte, or send some
 * small chunks between large ones. Large chunks allow no longer run of tiny ones, because a run blocks the front in one
 * piece. A body with a Content-Length needs no meter: its pieces are reads of the socket. Pure.
 */
import { CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX } from "../../schemas/limits.js";
import { invalid } from "../base/result.js";

/** The 400 for a body of tiny chunks. The connection ends with it. */
export const CHUNKS_TOO_SMALL = invalid(
  `the body has too many small chunks: send at least ${CHUNK_BYTES_MIN} bytes in each`,
);

/** Counts the chunks of one body. */
export class ChunkMeter {
  #left = SMALL_CHUNKS_MAX;
  #isOver = false;

  /** Whether the body has been refused. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Counts a chunk, or a part of one that arrived by itself.
   * @returns false if the body must be refused with CHUNKS_TOO_SMALL; then for each later chunk, too
   */
  take(bytes: number): boolean {
    this.#left = Math.min(this.#left + bytes / CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX) - 1;
    this.#isOver ||= this.#left < 0;
    return !this.#isOver;
  }
}
