/**
 * Counts the bytes that were written to sockets and event streams and are not sent yet. All sockets of the server share
 * one budget. If the budget is used up, the socket that needs more is cut off. Its client reconnects, and resumes from
 * its last position. Runs on the front.
 */
import { SOCKET_BUFFERS_BYTES_MAX } from "../../../schemas/limits/events.js";
import { ByteBudget } from "../../base/byte-budget.js";

const all = new ByteBudget(SOCKET_BUFFERS_BYTES_MAX);

/** One socket's share of the budget. */
export class SocketBuffer {
  #bytes = 0;

  /**
   * Sets the number of unsent bytes of the socket. Returns false if the budget is used up. The caller must then cut the
   * socket off.
   */
  set(bytes: number): boolean {
    all.release(this.#bytes);
    this.#bytes = 0;
    if (!all.take(bytes)) return false;
    this.#bytes = bytes;
    return true;
  }
}
