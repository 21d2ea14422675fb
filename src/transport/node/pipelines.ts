/**
 * Shares the front between connections whose clients pipeline. Node passes on all requests of a read at once, and reads
 * from one connection up to 32 times before it serves another. Each pipelined request waits for the answer to the
 * previous one. A tick answers a limited number of them, and a connection with many waiting requests is not read. Runs
 * on the front.
 */
import { PIPELINED_WAITING_MAX } from "../../../schemas/limits/connections.js";
import { AnswerBudget } from "../answer-budget.js";

/** The part of a socket that is used here. */
interface AnySocket {
  readonly destroyed: boolean;
  pause(): unknown;
  resume(): unknown;
}

/** The requests of a connection that wait for the answer to an earlier request. */
interface Pipeline {
  waiting: number;
  paused: boolean;
}

export class Pipelines<Connection extends AnySocket> {
  readonly #budget = new AnswerBudget();
  readonly #pipelines = new WeakMap<Connection, Pipeline>();

  /** Counts a request that arrived before the previous one of its connection was answered. */
  enter(connection: Connection): void {
    const pipeline = this.#pipelines.get(connection) ?? { waiting: 0, paused: false };
    this.#pipelines.set(connection, pipeline);
    pipeline.waiting += 1;
    if (pipeline.waiting < PIPELINED_WAITING_MAX || pipeline.paused) return;
    pipeline.paused = true;
    // Node resumes the socket at the end of each request that it parses. So the pause comes after the last request of
    // the read, and before the next read.
    process.nextTick(() => {
      if (pipeline.paused) connection.pause();
    });
  }

  /**
   * Takes the first of a connection's waiting requests, when the previous one was answered.
   * @param execute executes the request: at once, or in a later tick if this one is over
   */
  leave(connection: Connection, execute: () => void): void {
    const pipeline = this.#pipelines.get(connection);
    if (pipeline !== undefined) {
      pipeline.waiting -= 1;
      if (pipeline.paused && pipeline.waiting < PIPELINED_WAITING_MAX) {
        pipeline.paused = false;
        connection.resume();
      }
    }
    this.#executeInTurn(connection, execute);
  }

  #executeInTurn(connection: Connection, execute: () => void): void {
    // A request of a closed connection would never learn that its client has gone.
    if (connection.destroyed) return;
    if (this.#budget.isOver()) setImmediate(() => this.#executeInTurn(connection, execute));
    else execute();
  }
}
