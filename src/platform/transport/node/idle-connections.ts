/**
 * Closes connections on which no request starts for a long time, although bytes arrive. Node's own idle timeout does
 * not close them: each byte restarts it, even an empty line, which starts no request. Node itself closes two other
 * kinds of connections: those without any bytes, and those that have never had a request. Runs on the front.
 */
import type { ServerResponse } from "node:http";
import { IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../../schemas/limits/connections.js";

/**
 * The maximum time without a request. A request may start just before the idle timeout, and then has REQUEST_TIMEOUT_MS
 * to send its head. Node refuses it after that time.
 */
const IDLE_MS_MAX = IDLE_CONNECTION_MS + REQUEST_TIMEOUT_MS;

type AnyAnswer = Pick<ServerResponse, "writableFinished">;
/** The part of a socket's interface that this file uses. */
interface AnySocket {
  destroy(): unknown;
}

/** The last answer of a connection, and when it was complete: the time of the first sweep that found it so. */
interface Idle {
  readonly answer: AnyAnswer;
  readonly since_ms: number;
}

export class IdleConnections<Connection extends AnySocket> {
  readonly #answerOf: (connection: Connection) => AnyAnswer | undefined;
  readonly #connections = new Map<Connection, Idle | null>();

  /** @param answerOf returns the last answer that was started on a connection. It may have ended. */
  constructor(answerOf: (connection: Connection) => AnyAnswer | undefined) {
    this.#answerOf = answerOf;
  }

  /** Adds a connection that takes requests. */
  add(connection: Connection): void {
    this.#connections.set(connection, null);
  }

  /** Removes a connection that was closed, or that accepts no further request. */
  delete(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Closes the connections that were idle for too long. Must be called every few seconds. */
  sweep(nowMs: number): void {
    for (const [connection, idle] of this.#connections) {
      const answer = this.#answerOf(connection);
      if (answer === undefined || !answer.writableFinished) continue;
      if (idle?.answer !== answer) this.#connections.set(connection, { answer, since_ms: nowMs });
      else if (nowMs - idle.since_ms > IDLE_MS_MAX) connection.destroy();
    }
  }
}
