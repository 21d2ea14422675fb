/**
 * The SQL of the sessions of agents' clients. A session has a row for itself and one for each of its subagents. A row
 * is deleted together with its instance (store/migrate.ts). Runs in the writer thread.
 */
import type { Db, Statement } from "../../platform/store/open.js";
import type { CachingModel, Model, Opening } from "../../platform/threads/model.js";
import { instanceWriter } from "../instances/table.js";

/** A session, or a subagent of a session. */
export interface StoredSession {
  /** The client's id of the subagent; "" for the session itself. */
  readonly agent: string;
  readonly instance: string;
  /**
   * The id of the instance whose token began the session; "" if the session began with the server's token or without a
   * token.
   */
  readonly owner: string;
  /** The time at which the session or the subagent ended, in ms; null while it runs. */
  readonly ended_at: number | null;
}

export class AgentSessionWriter implements CachingModel {
  readonly #get: Statement<[string, string], StoredSession>;
  readonly #insert: Statement<[string, string, string, string, string], unknown>;
  readonly #setEnded: Statement<[number | null, string, string], unknown>;
  readonly #running: Statement<[string, number], StoredSession>;
  readonly #countOf: Statement<[string], number>;
  readonly #count: Statement<[], number>;
  /** The number of rows; null if it is not known. */
  #size: number | null = null;

  constructor(db: Db) {
    const columns = "agent, instance, owner, ended_at";
    this.#get = db.prepare(`SELECT ${columns} FROM agent_session WHERE session = ? AND agent = ?`);
    this.#insert = db.prepare(
      "INSERT INTO agent_session (session, agent, instance, owner, client, ended_at) VALUES (?, ?, ?, ?, ?, NULL)",
    );
    this.#setEnded = db.prepare("UPDATE agent_session SET ended_at = ? WHERE session = ? AND agent = ?");
    // The row of the session itself has an empty agent id. In descending order, it comes after the rows of its
    // subagents.
    this.#running = db.prepare(
      `SELECT ${columns} FROM agent_session WHERE session = ? AND ended_at IS NULL ORDER BY agent DESC LIMIT ?`,
    );
    this.#countOf = db.prepare<[string], number>("SELECT count(*) FROM agent_session WHERE session = ?").pluck();
    this.#count = db.prepare<[], number>("SELECT count(*) FROM agent_session").pluck();
  }

  /** The number of all sessions and subagents, including those that have ended. */
  get size(): number {
    this.#size ??= this.#count.get() ?? 0;
    return this.#size;
  }

  get(session: string, agent: string): StoredSession | undefined {
    return this.#get.get(session, agent);
  }

  /** Returns the number of rows of a session: the session itself and its subagents. */
  countOf(session: string): number {
    return this.#countOf.get(session) ?? 0;
  }

  /** Lists at most `most` rows of a session that have not ended. The session itself comes last. */
  running(session: string, most: number): StoredSession[] {
    return this.#running.all(session, most);
  }

  add(session: string, agent: string, instance: string, owner: string, client: string): void {
    const { size } = this;
    this.#insert.run(session, agent, instance, owner, client);
    this.#size = size + 1;
  }

  setEnded(session: string, agent: string, endedAt: number | null): void {
    this.#setEnded.run(endedAt, session, agent);
  }

  reload(): void {
    this.#size = null;
  }
}

export const agentSessionWriter: Model<AgentSessionWriter> = {
  open: ({ db, use }: Opening) => {
    const sessions = new AgentSessionWriter(db);
    use(instanceWriter).onDeregister(() => sessions.reload());
    return sessions;
  },
};
