/**
 * Limits the small chunks of a body with `Transfer-Encoding: chunked`. Each chunk costs a call on the front, so a body
 * of tiny chunks costs a hundred times as much as its bytes alone. A body with a Content-Length needs no limit, because
 * one call delivers all bytes of a read. The meter is a leaky bucket with SMALL_CHUNKS_MAX tokens. Each chunk takes one
 * token, and every CHUNK_BYTES_MIN bytes give one back. So a client may begin byte by byte, or send some small chunks
 * between large ones. The number of tokens never exceeds SMALL_CHUNKS_MAX, because a longer run of tiny chunks would
 * block the front. Pure.
 */
import {
  CHUNK_BYTES_MIN,
  CHUNK_DEBT_US,
  CHUNK_DEBTORS_MAX,
  SMALL_CHUNKS_MAX,
} from "../../../schemas/limits/request-bodies.js";
import { Failure, invalid } from "../../base/result.js";
import { headerBlock, type WireReply } from "./reply.js";

const MS_US = 1_000;

/** The 400 failure for a body of tiny chunks. The connection is closed after the answer. */
export const CHUNKS_TOO_SMALL = invalid(
  `the body has too many small chunks: send at least ${CHUNK_BYTES_MIN} bytes in each`,
);

/**
 * CHUNKS_TOO_SMALL as a complete reply. The transport sends it if no handler has requested the body, or if the handler
 * does not answer at once.
 */
export const CHUNKS_REFUSAL: WireReply = {
  status: CHUNKS_TOO_SMALL.http,
  headers: headerBlock([["Content-Type", "application/json"]]),
  body: `${JSON.stringify({ error: CHUNKS_TOO_SMALL.message, code: CHUNKS_TOO_SMALL.http })}\n`,
};

/** Counts the chunks of one body. */
export class ChunkMeter {
  #left = SMALL_CHUNKS_MAX;
  #isOver = false;

  /** Whether the body has been refused. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Counts a chunk, or a part of a chunk that has arrived by itself.
   * @returns false if the body must be refused with CHUNKS_TOO_SMALL. All later calls then return false too
   */
  take(bytes: number): boolean {
    this.#left = Math.min(this.#left + bytes / CHUNK_BYTES_MIN, SMALL_CHUNKS_MAX) - 1;
    this.#isOver ||= this.#left < 0;
    return !this.#isOver;
  }
}

/**
 * The 503 failure for a chunked body from an address that has a debt (`ChunkDebts`). The body is not read, and the
 * connection is closed after the answer.
 */
export const CHUNKS_UNPAID = new Failure(
  "RESOURCE_EXHAUSTED",
  "a body from this address had too many small chunks: try again, or send a body with a Content-Length",
);

/**
 * Stores which addresses have a debt because they sent tiny chunks. While an address has a debt, the server accepts no
 * chunked body from it. Closing the connection is not enough: some libraries deliver all chunks of one read and cannot
 * be stopped in the middle, and the client can connect again. From the refusal of a body to the end of the read, each
 * chunk adds CHUNK_DEBT_US to the debt. This is twenty times the cost of a chunk, so one address gets at most a
 * twentieth of the front's time.
 */
export class ChunkDebts {
  /**
   * The time in ms at which the debt of each address ends. The address whose debt has grown last is at the end of the
   * map.
   */
  readonly #endsMs = new Map<string, number>();

  /**
   * Adds chunks to the debt of an address.
   * @param nowMs monotonic time
   */
  add(peer: string, chunks: number, nowMs: number): void {
    const endMs = Math.max(this.#endsMs.get(peer) ?? nowMs, nowMs) + (chunks * CHUNK_DEBT_US) / MS_US;
    this.#endsMs.delete(peer);
    this.#endsMs.set(peer, endMs);
    const [oldest] = this.#endsMs.keys();
    if (this.#endsMs.size > CHUNK_DEBTORS_MAX && oldest !== undefined) this.#endsMs.delete(oldest);
  }

  /** Whether an address has a debt. */
  has(peer: string, nowMs: number): boolean {
    const endMs = this.#endsMs.get(peer);
    if (endMs === undefined) return false;
    if (nowMs < endMs) return true;
    this.#endsMs.delete(peer);
    return false;
  }
}
