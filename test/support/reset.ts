/** Ends TCP connections with a reset (RST), as a crash does. Runs in the test's process. */
import type { Socket } from "node:net";

/**
 * Resets a connection at once. Data that was not sent is lost. A connection that is already shutting down is only
 * closed.
 * `socket.resetAndDestroy()` is not used, because it shuts the connection down first. If the socket is destroyed before
 * that is done (by an error, or by the test), libuv refuses the reset with EINVAL, and Node never closes the handle. At
 * its end, the process then spins in the cleanup of its handles until it is killed. The flag is not part of Node's API.
 * Without it, the connection would be closed and not reset.
 */
export function resetNow(socket: Socket): void {
  if (!socket.connecting && !socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
