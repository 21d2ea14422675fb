/**
 * What sockets and event streams have been given and have not taken: all of a server share a number of bytes. One for
 * which there is no more room is cut; its client comes back and goes on where it was. Runs on the front.
 */
import { SOCKET_BUFFERS_BYTES_MAX } from "../../schemas/limits.js";
import { ByteBudget } from "../base/byte-budget.js";

const all = new ByteBudget(SOCKET_BUFFERS_BYTES_MAX);

/** The share of one socket. */
export class SocketBuffer {
  #bytes = 0;

  /** It holds so many bytes now. False where there is no room for them: then the socket is to be cut. */
  set(bytes: number): boolean {
    all.release(this.#bytes);
    this.#bytes = 0;
    if (!all.take(bytes)) return false;
    this.#bytes = bytes;
    return true;
  }
}
