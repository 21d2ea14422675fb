/**
 * Counts the bytes that were written to sockets and event streams and are not sent yet. All of a server's sockets share
 * one budget. If a socket finds no room in it, the socket is cut off. Its client reconnects and resumes from its last
 * position. Runs on the front.
 */
import { SOCKET_BUFFERS_BYTES_MAX } from "../../schemas/limits/events.js";
import { ByteBudget } from "../base/byte-budget.js";

const all = new ByteBudget(SOCKET_BUFFERS_BYTES_MAX);

/** The share of one socket. */
export class SocketBuffer {
  #bytes = 0;

  /**
   * Sets the number of bytes that the socket holds. Returns false if there is no room for them; then the socket must be
   * cut off.
   */
  set(bytes: number): boolean {
    all.release(this.#bytes);
    this.#bytes = 0;
    if (!all.take(bytes)) return false;
    this.#bytes = bytes;
    return true;
  }
}
