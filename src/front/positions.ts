/**
 * Positions in a cluster's log, as clients know them: an answer says how far this node had come, and a request may ask
 * to be served when it has come so far. So who reads at another node than it has written to finds what it wrote. What a
 * server alone has none of. Runs on the front; who follows the log is src/cluster/.
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
/** At most 123 bytes, as the protocol has it. */
const TOO_FAR_BEHIND = "this node is too far behind: try again, or ask another one";

/** How far a log was. */
export interface LogPosition {
  /** Which log: another one has other positions. */
  readonly log: string;
  readonly position: number;
}

export interface Positions {
  /** Id of the last entry whose effect every answer of this node shows. */
  readonly current: number;
  /** Id of the last entry whose effect an answer may show, as its header (positionLine). */
  readonly line: string;
  /** The same of those whose events have gone out, too: who asks to be served behind it gets none of them again. */
  readonly reached: number;
  /**
   * Calls back when this node has come so far, or in POSITION_WAIT_MS.
   * @param done is told whether it has
   */
  wait(position: number, done: (reached: boolean) => void): void;
  /** The last entry whose effect can be in what was read here until now; null before there is a log. */
  seen(): LogPosition | null;
}

/**
 * Up to where a request wants this node to have come; 0 where it does not say.
 * @param query what follows its `?`
 */
export function requestedPosition(exchange: Exchange, query: string): number | Failure {
  const text = exchange.header(AFTER_HEADER) || (query === "" ? undefined : AFTER_PARAMETER.exec(query)?.[1]);
  if (text === undefined) return 0;
  const position = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(position))
    return invalid(`X-Koor-After and after_position must be what ${POSITION_HEADER} was, a whole number`);
  return position;
}

/** The refusal of a request that this node is too far behind for. */
export function laggingNode(position: number, current: number): Failure {
  return new Failure(
    "UNAVAILABLE",
    `this node is at position ${current} of the cluster's log, and has not come to ${position} in ` +
      `${POSITION_WAIT_MS / 1_000} s: try again, or ask another node`,
  );
}

/** Waits until this node has come so far; the refusal where it has not in time, null where it has. */
export function waitForPosition(position: number, positions: Positions): Promise<Failure | null> | null {
  if (position <= positions.reached) return null;
  return new Promise((resolve) => {
    positions.wait(position, (reached) => resolve(reached ? null : laggingNode(position, positions.current)));
  });
}

/** The line of an answer's headers that says how far a node had come, behind those before it. */
export function positionHeaderLine(position: number): string {
  return `\r\n${POSITION_HEADER}: ${position}`;
}

/** An answer with such a line. */
export function withPositionHeader(reply: WireReply, line: string): WireReply {
  const { name, rest } = reply.headers;
  return { ...reply, headers: { name, rest: rest + line } };
}

/** A socket that is told to try again later. */
export const retryLater: SocketOpener = (socket) => {
  let closed = false;
  // Not before whoever opens it has it.
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
