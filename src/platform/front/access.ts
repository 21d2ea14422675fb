/**
 * Closes a WebSocket when its caller's access ends, for example by a log-out. The close code says why the access has
 * ended. The pipeline does the same for streams and long polls. Pure.
 */
import type { AccessEnd } from "../../base/access-end.js";
import type { SocketOpener } from "../transport/transport.js";

/**
 * Calls the listener when the caller's access ends. If it has already ended, calls the listener at once. Returns a
 * function that removes the listener.
 */
export type WatchAccess = (listener: (end: AccessEnd) => void) => () => void;

/**
 * The WebSocket close codes, by the reason why the access has ended. 1008 means a policy violation (RFC 6455). 4401 is
 * modelled on HTTP's 401; applications may define the codes from 4000 on.
 */
const CLOSE_CODES: Readonly<Record<AccessEnd, number>> = { "logged out": 1008, revoked: 4401 };
const CLOSE_REASONS: Readonly<Record<AccessEnd, string>> = { "logged out": "logged out", revoked: "token revoked" };

/** Wraps a socket opener, so that its socket is closed when the caller's access ends. */
export function tiedTo(watch: WatchAccess, open: SocketOpener): SocketOpener {
  return (socket) => {
    const handler = open(socket);
    const forget = watch((end) => socket.end(CLOSE_CODES[end], CLOSE_REASONS[end]));
    return {
      missed: (text) => handler.missed(text),
      fellBehind: (text) => handler.fellBehind(text),
      drained: () => handler.drained(),
      closed: () => {
        forget();
        handler.closed();
      },
    };
  };
}
