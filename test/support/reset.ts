/** Ends TCP connections by a reset (RST), as after a crash. Runs in the test's process. */
import type { Socket } from "node:net";

/**
 * Resets a connection at once, with everything that was not sent. A connection that already shuts down is only closed.
 *
 * `socket.resetAndDestroy()` shuts the connection down first. If the socket is destroyed before that is done (by an
 * error, or by the test), libuv refuses the reset with EINVAL, and Node never closes the handle: the process then spins
 * at its end, in the cleanup of its handles, until it is killed. Without the flag, which is not part of Node's API,
 * the connection would be closed, not reset.
 */
export function resetNow(socket: Socket): void {
  if (!socket.connecting && !socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
