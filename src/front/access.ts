/**
 * Closes a WebSocket when its caller's access ends, with a code that says why. The pipeline ends streams and long
 * polls. Pure.
 */
import type { AccessEnd } from "../base/access-end.js";
import type { SocketOpener } from "../transport/transport.js";

/**
 * Calls the listener when the access ends, at once if it has ended already; returns a function that removes the
 * listener.
 */
export type WatchAccess = (listener: (end: AccessEnd) => void) => () => void;

/** 1008 is RFC 6455's "policy violation"; 4401 is an HTTP 401 in the range for applications. */
const CLOSE_CODES: Readonly<Record<AccessEnd, number>> = { "logged out": 1008, revoked: 4401 };
const CLOSE_REASONS: Readonly<Record<AccessEnd, string>> = { "logged out": "logged out", revoked: "token revoked" };

/** Ties a socket to the access of the caller that opened it. */
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
