/**
 * The end of a caller's access, and what it ends: a WebSocket is closed with a code that says why. Streams and long
 * polls are ended by the pipeline. Pure.
 */
import type { AccessEnd } from "../base/access-end.js";
import type { SocketOpener } from "../transport/transport.js";

/** Has the listener called when the access ends, at once where it has; returns what forgets the listener. */
export type WatchAccess = (listener: (end: AccessEnd) => void) => () => void;

/** 1008 is RFC 6455's "policy violation"; 4401 is an HTTP 401 in the range for applications. */
const CLOSE_CODES: Readonly<Record<AccessEnd, number>> = { "logged out": 1008, revoked: 4401 };
const CLOSE_REASONS: Readonly<Record<AccessEnd, string>> = { "logged out": "logged out", revoked: "token revoked" };

/** A socket that ends with the access of the caller who opened it. */
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
