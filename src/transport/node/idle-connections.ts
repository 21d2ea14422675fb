/**
 * Closes connections on which bytes arrive but no request has started for long. Node restarts its idle timeout with
 * every byte, and does not count empty lines as the start of a request. Node itself closes a connection without bytes,
 * and one that never had a request. Runs on the front.
 */
import type { ServerResponse } from "node:http";
import { IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../schemas/limits/connections.js";

/**
 * This leaves a request that starts just before the idle timeout the time to send its head. After that Node refuses it.
 */
const IDLE_MS_MAX = IDLE_CONNECTION_MS + REQUEST_TIMEOUT_MS;

type AnyAnswer = Pick<ServerResponse, "writableFinished">;
/** The part of a socket that is used here. */
interface AnySocket {
  destroy(): unknown;
}

/** The last answer of a connection, and the time at which a check first found it ended. */
interface Idle {
  readonly answer: AnyAnswer;
  readonly since_ms: number;
}

export class IdleConnections<Connection extends AnySocket> {
  readonly #answerOf: (connection: Connection) => AnyAnswer | undefined;
  readonly #connections = new Map<Connection, Idle | null>();

  /**
   * @param answerOf returns the last answer that was started on a connection, ended or not
   */
  constructor(answerOf: (connection: Connection) => AnyAnswer | undefined) {
    this.#answerOf = answerOf;
  }

  /** Adds a connection that takes requests. */
  add(connection: Connection): void {
    this.#connections.set(connection, null);
  }

  /** Removes a connection that was closed, or that takes no further request. */
  delete(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Checks all connections; to be called every few seconds. */
  sweep(now_ms: number): void {
    for (const [connection, idle] of this.#connections) {
      const answer = this.#answerOf(connection);
      if (answer === undefined || !answer.writableFinished) continue;
      if (idle?.answer !== answer) this.#connections.set(connection, { answer, since_ms: now_ms });
      else if (now_ms - idle.since_ms > IDLE_MS_MAX) connection.destroy();
    }
  }
}
