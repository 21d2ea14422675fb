/**
 * Meters the chunks of a body with `Transfer-Encoding: chunked`. Each chunk costs a call on the front, so a body of tiny
 * chunks costs a hundred times what its bytes cost. A client that sends a long body byte by byte is refused; one that
 * begins so, or whose chunks have CHUNK_BYTES_MIN bytes on average, is not. A body with a Content-Length needs no meter:
 * its pieces are reads of the socket. Pure.
 */
import { CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX } from "../../schemas/limits.js";
import { invalid } from "../base/result.js";

/** The 400 for a body of tiny chunks. The connection ends with it. */
export const CHUNKS_TOO_SMALL = invalid(
  `the body has too many small chunks: after the first ${SMALL_CHUNKS_MAX}, send at least ${CHUNK_BYTES_MIN} bytes in each`,
);

/** Counts the chunks of one body. */
export class ChunkMeter {
  #chunks = 0;
  #bytes = 0;
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
    this.#chunks += 1;
    this.#bytes += bytes;
    this.#isOver ||= this.#chunks > SMALL_CHUNKS_MAX + this.#bytes / CHUNK_BYTES_MIN;
    return !this.#isOver;
  }
}
