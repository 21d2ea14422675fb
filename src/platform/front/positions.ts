/**
 * Defines the positions in a cluster's log that clients see. Every answer states the position up to which the node has
 * applied the log. A request may state a position, and is then served only after the node has applied the log up to it.
 * So a client that writes at one node and then reads at another node finds its write. A single server has no positions.
 * Runs on the front. The implementation is in src/cluster/.
 */
import { POSITION_WAIT_MS } from "../../../schemas/limits/cluster.js";
import { Failure, invalid } from "../../base/result.js";
import type { Exchange, SocketOpener } from "../transport/transport.js";
import type { WireReply } from "../transport/reply.js";

export const POSITION_HEADER = "X-Koor-Position";
const AFTER_HEADER = "x-koor-after";
const AFTER_PARAMETER = /(?:^|&)after_position=([^&]*)/;
/** WebSocket close code 1013, "try again later". It is in the registry that RFC 6455 (section 7.4.1) defines. */
const TRY_AGAIN_LATER = 1013;
/** The reason for the close, in at most 123 bytes (RFC 6455). */
const TOO_FAR_BEHIND = "this node is too far behind: try again, or ask another one";

/** A position, with the log to which it belongs. */
export interface LogPosition {
  /** The id of the log. Positions of different logs cannot be compared. */
  readonly log: string;
  readonly position: number;
}

export interface Positions {
  /** The id of the newest log entry whose effects every answer of this node shows. */
  readonly current: number;
  /**
   * The header line of an answer that states a position (`positionHeaderLine`). It is the id of the newest log entry
   * that can have affected the answer.
   */
  readonly line: string;
  /**
   * The position up to which this node has applied the log and published its events. A subscription that starts now
   * gets only later events.
   */
  readonly reached: number;
  /**
   * Waits until this node has applied the position, for at most POSITION_WAIT_MS.
   * @param done called with true if the node has applied the position, else with false
   */
  wait(position: number, done: (reached: boolean) => void): void;
  /**
   * Returns the position of the newest log entry whose effects a client of this node may have read; null if there is no
   * log yet.
   */
  seen(): LogPosition | null;
}

/**
 * Returns the position that a request requires; 0 if it requires none. Returns the 400 failure for a malformed
 * position.
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

/** Returns the failure for a request whose position this node has not applied in time. */
export function laggingNode(position: number, current: number): Failure {
  return new Failure(
    "UNAVAILABLE",
    `this node is at position ${current} of the cluster's log, and has not come to ${position} in ` +
      `${POSITION_WAIT_MS / 1_000} s: try again, or ask another node`,
  );
}

/**
 * Waits until this node has applied a position. Returns null if it has done so already. Otherwise returns a promise of
 * null, or of a failure if the wait takes too long.
 */
export function waitForPosition(position: number, positions: Positions): Promise<Failure | null> | null {
  if (position <= positions.reached) return null;
  return new Promise((resolve) => {
    positions.wait(position, (reached) => resolve(reached ? null : laggingNode(position, positions.current)));
  });
}

/** Returns the header line that states a node's position. The line can be appended to a block of other headers. */
export function positionHeaderLine(position: number): string {
  return `\r\n${POSITION_HEADER}: ${position}`;
}

/** Returns the reply with a header line added that states the position. */
export function withPositionHeader(reply: WireReply, line: string): WireReply {
  const { name, rest } = reply.headers;
  return { ...reply, headers: { name, rest: rest + line } };
}

/** Opens a WebSocket and closes it at once, with a code that tells the client to try again later. */
export const retryLater: SocketOpener = (socket) => {
  let closed = false;
  // Delay the close, because the socket must first get the handler that this function returns.
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
