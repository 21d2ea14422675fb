/**
 * Closes connections that have been idle for long though bytes came: Node begins its idle timeout again with every
 * byte, and takes empty lines for the beginning of no request. A connection without bytes is left to Node, and so is
 * one that never had a request. Runs on the front.
 */
import type { ServerResponse } from "node:http";
import { IDLE_CONNECTION_MS, REQUEST_TIMEOUT_MS } from "../../../schemas/limits.js";

/** Beyond the idle timeout the head of a request that began in time may still arrive, and be refused by Node. */
const IDLE_MS_MAX = IDLE_CONNECTION_MS + REQUEST_TIMEOUT_MS;

type AnyAnswer = Pick<ServerResponse, "writableFinished">;
/** A socket, as far as it matters here. */
interface AnySocket {
  destroy(): unknown;
}

/** The last answer of a connection, and since when it is known to have ended. */
interface Idle {
  readonly answer: AnyAnswer;
  readonly since_ms: number;
}

export class IdleConnections<Connection extends AnySocket> {
  readonly #answerOf: (connection: Connection) => AnyAnswer | undefined;
  readonly #connections = new Map<Connection, Idle | null>();

  /** @param answerOf the last answer that was begun on a connection, ended or not */
  constructor(answerOf: (connection: Connection) => AnyAnswer | undefined) {
    this.#answerOf = answerOf;
  }

  /** A connection that takes requests. */
  add(connection: Connection): void {
    this.#connections.set(connection, null);
  }

  /** A connection that was closed, or takes no further request. */
  delete(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Looks at all of them; to be called every few seconds. */
  sweep(now_ms: number): void {
    for (const [connection, idle] of this.#connections) {
      const answer = this.#answerOf(connection);
      if (answer === undefined || !answer.writableFinished) continue;
      if (idle?.answer !== answer) this.#connections.set(connection, { answer, since_ms: now_ms });
      else if (now_ms - idle.since_ms > IDLE_MS_MAX) connection.destroy();
    }
  }
}
