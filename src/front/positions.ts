/**
 * Positions in a cluster's log, as clients see them. Every answer has the position that the node had applied, and a
 * request may ask to be served only once the node has applied a position. So a client that writes at one node and reads
 * at another finds its write. A single server has no positions. Runs on the front; src/cluster/ follows the log.
 */
import { POSITION_WAIT_MS } from "../../schemas/limits.js";
import { Failure, invalid } from "../base/result.js";
import type { Exchange, SocketOpener } from "../transport/transport.js";
import type { WireReply } from "../transport/reply.js";

export const POSITION_HEADER = "X-Koor-Position";
const AFTER_HEADER = "x-koor-after";
const AFTER_PARAMETER = /(?:^|&)after_position=([^&]*)/;
/** RFC 6455, 7.4.1 and its registry: try again later. */
const TRY_AGAIN_LATER = 1013;
/** At most 123 bytes, by RFC 6455. */
const TOO_FAR_BEHIND = "this node is too far behind: try again, or ask another one";

/** A position in a certain log. */
export interface LogPosition {
  /** The id of the log: positions of different logs cannot be compared. */
  readonly log: string;
  readonly position: number;
}

export interface Positions {
  /** The id of the last entry whose effect every answer of this node shows. */
  readonly current: number;
  /** The last entry whose effect an answer may show, as its header (`positionHeaderLine`). */
  readonly line: string;
  /**
   * As `current`, for entries whose events have been published as well: a request that is served after them gets none
   * of these events again.
   */
  readonly reached: number;
  /**
   * Calls back when this node has applied the position, or after POSITION_WAIT_MS.
   * @param done called with whether it has applied it
   */
  wait(position: number, done: (reached: boolean) => void): void;
  /** The last entry whose effect may be in what was read here so far; null before there is a log. */
  seen(): LogPosition | null;
}

/**
 * The position that a request wants this node to have applied; 0 if it does not say, the 400 if it is malformed.
 * @param query the part of the URL after its `?`
 */
export function requestedPosition(exchange: Exchange, query: string): number | Failure {
  const text = exchange.header(AFTER_HEADER) || (query === "" ? undefined : AFTER_PARAMETER.exec(query)?.[1]);
  if (text === undefined) return 0;
  const position = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(position))
    return invalid(`X-Koor-After and after_position must be what ${POSITION_HEADER} was, a whole number`);
  return position;
}

/** The refusal of a request whose position this node has not applied in time. */
export function laggingNode(position: number, current: number): Failure {
  return new Failure(
    "UNAVAILABLE",
    `this node is at position ${current} of the cluster's log, and has not come to ${position} in ` +
      `${POSITION_WAIT_MS / 1_000} s: try again, or ask another node`,
  );
}

/**
 * Waits until this node has applied a position; resolves to null, or to the refusal if that takes too long. Null if
 * there is nothing to wait for.
 */
export function waitForPosition(position: number, positions: Positions): Promise<Failure | null> | null {
  if (position <= positions.reached) return null;
  return new Promise((resolve) => {
    positions.wait(position, (reached) => resolve(reached ? null : laggingNode(position, positions.current)));
  });
}

/** The header line of an answer with a node's position; it follows the lines of other headers. */
export function positionHeaderLine(position: number): string {
  return `\r\n${POSITION_HEADER}: ${position}`;
}

/** Adds a line of `positionHeaderLine` to an answer. */
export function withPositionHeader(reply: WireReply, line: string): WireReply {
  const { name, rest } = reply.headers;
  return { ...reply, headers: { name, rest: rest + line } };
}

/** Opens a socket and closes it with the request to try again later. */
export const retryLater: SocketOpener = (socket) => {
  let closed = false;
  // Only after the caller of this function has the socket's handler.
  setImmediate(() => {
    if (!closed) socket.end(TRY_AGAIN_LATER, TOO_FAR_BEHIND);
  });
  return {
    missed: () => undefined,
    fellBehind: () => undefined,
    drained: () => undefined,
    closed: () => {
      closed = true;
    },
  };
};
