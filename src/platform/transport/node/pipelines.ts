/**
 * Shares the front fairly between connections on which clients pipeline requests. Node delivers all requests of a read
 * at once, and may read 32 times from one connection before it serves another. Three rules prevent that one connection
 * delays all others. Each pipelined request waits for the answer to the previous one. One tick handles a limited number
 * of requests. A connection with many waiting requests is paused. Runs on the front.
 */
import { PIPELINED_WAITING_MAX } from "../../../../schemas/limits/connections.js";
import { type RequestTurns, requestTurns } from "../request-turns.js";

/** The part of a socket's interface that this file uses. */
interface AnySocket {
  readonly destroyed: boolean;
  pause(): unknown;
  resume(): unknown;
}

/**
 * The state of a connection: how many of its requests wait for an earlier answer, and whether the connection is paused.
 */
interface Pipeline {
  waiting: number;
  paused: boolean;
}

export class Pipelines<Connection extends AnySocket> {
  readonly #turns: RequestTurns;
  readonly #pipelines = new WeakMap<Connection, Pipeline>();

  constructor(turns = requestTurns) {
    this.#turns = turns;
  }

  /** Counts a request that arrived before its connection's previous request was answered. */
  enter(connection: Connection): void {
    const pipeline = this.#pipelines.get(connection) ?? { waiting: 0, paused: false };
    this.#pipelines.set(connection, pipeline);
    pipeline.waiting += 1;
    if (pipeline.waiting < PIPELINED_WAITING_MAX || pipeline.paused) return;
    pipeline.paused = true;
    // Pause in `nextTick`, because Node resumes the socket at the end of each request that it parses. `nextTick` runs
    // after the last request of this read, and before the next read.
    process.nextTick(() => {
      if (pipeline.paused) connection.pause();
    });
  }

  /**
   * Runs the next waiting request of a connection. Called when the previous request was answered.
   * @param client returns a text that identifies the client
   * @param execute executes the request
   */
  leave(connection: Connection, client: () => string, execute: () => void): void {
    const pipeline = this.#pipelines.get(connection);
    if (pipeline !== undefined) {
      pipeline.waiting -= 1;
      if (pipeline.paused && pipeline.waiting < PIPELINED_WAITING_MAX) {
        pipeline.paused = false;
        connection.resume();
      }
    }
    this.executeInTurn(connection, client, execute);
  }

  /**
   * Executes a request: at once, or in a later tick if this tick has handled enough requests.
   * @param client returns a text that identifies the client
   */
  executeInTurn(connection: Connection, client: () => string, execute: () => void): void {
    const executeIfOpen = (): void => {
      // If the connection is closed, drop the request. Its handler would never learn that the client is gone.
      if (!connection.destroyed) execute();
    };
    if (this.#turns.isOver()) this.#turns.add(client, executeIfOpen);
    else executeIfOpen();
  }
}
