/**
 * One connection to PostgreSQL: statements one after the other, each with a deadline, and an end that is told once.
 * The only file that knows the client library; what the statements are about is others' business. Runs in the thread
 * that opened it.
 *
 * Results come as text: asked for binary ones, the library decodes them as UTF-8 and spoils them. So bytes travel to
 * Koor as hexadecimal digits, which takes 4 ms a MiB to read; towards the server they are binary.
 */
import { Client, DatabaseError, type QueryResult } from "pg";
import {
  POSTGRES_ANSWER_MS_MAX,
  POSTGRES_BYTES_PER_MS_MIN,
  POSTGRES_CLOSE_MS_MAX,
  POSTGRES_CONNECT_MS_MAX,
  POSTGRES_KEEPALIVE_MS,
} from "../../schemas/limits.js";
import { reasonOf } from "../base/reason.js";
import { LogError, type LogFault } from "./ordered-log.js";
import type { PostgresHost, PostgresSecrets, PostgresTarget } from "./postgres-address.js";

/** A statement; one with a name is prepared once a connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

export type Parameter = string | number | Uint8Array | readonly string[];

export interface AskOptions {
  /** What is sent or answered: it is given time. */
  readonly bytes?: number;
  /** Without the bytes; POSTGRES_ANSWER_MS_MAX where nothing is said. */
  readonly answer_ms_max?: number;
}

/** What a server tells on a channel. */
export interface Notice {
  readonly payload: string;
  /** Of the connection whose transaction it was. */
  readonly pid: number;
}

/** The server answered with an error. */
export class RefusedStatement extends LogError {
  /** The five characters of PostgreSQL's appendix A. */
  readonly sqlstate: string;

  constructor(fault: LogFault, message: string, sqlstate: string, cause: unknown) {
    super(fault, message, cause);
    this.sqlstate = sqlstate;
  }
}

/** What an error of the server is to who opens a log, by the beginning of its SQLSTATE; others are tried again. */
const FAULTS: readonly (readonly [sqlstate: string, fault: LogFault])[] = [
  /** Invalid authorization. */
  ["28", "denied"],
  /** No such database. */
  ["3D000", "denied"],
  /** Insufficient privilege. */
  ["42501", "denied"],
  /** Corrupted data, corrupted index. */
  ["XX001", "unsafe"],
  ["XX002", "unsafe"],
];

/** A warning that comes with a commit. */
const WARNING_CLASS = "01";

/** How values are read, by their type's number in `pg_type`; all others stay text. */
const READERS: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === "t"],
  [17, (text) => Buffer.from(text.slice(2), "hex")],
  [20, Number],
  [23, Number],
]);

function readerOf(type: number): (text: string) => unknown {
  return READERS.get(type) ?? String;
}

/** Some errors of connections have no message but those of the addresses that were tried. */
function explain(error: unknown): string {
  return error instanceof AggregateError && error.message === ""
    ? error.errors.map(reasonOf).join("; ")
    : reasonOf(error);
}

/** As an operator is told of it. */
export function describeServer(target: PostgresTarget, host: PostgresHost): string {
  return `PostgreSQL at ${host.label}, database ${target.database}`;
}

export class PostgresLink {
  readonly #client: Client;
  readonly #where: string;
  /** Resolves with why it has ended, whoever ended it. */
  readonly closed: Promise<LogError>;
  /** Why it has ended; a statement is answered with it. */
  #ended: LogError | null = null;
  #tellClosed: (error: LogError) => void = () => undefined;
  #onEnd: (error: LogError) => void = () => undefined;
  #onNotice: (notice: Notice) => void = () => undefined;
  #wary = false;
  /** Breaks off the statement that is under way. */
  #breakOff: ((error: LogError) => void) | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(client: Client, where: string) {
    this.#client = client;
    this.#where = where;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    client.on("error", (error) => this.#end(this.#judge(error)));
    client.on("end", () => this.#end(new LogError("unreachable", `${where} has closed the connection`)));
    client.on("notification", ({ payload = "", processId }) => this.#onNotice({ payload, pid: processId }));
    client.on("notice", ({ code = "", message = "" }) => {
      if (this.#wary && code.startsWith(WARNING_CLASS))
        this.#end(new LogError("unreachable", `${where} has stored something with a warning: ${message}`));
    });
  }

  /** @throws LogError */
  static async connect(target: PostgresTarget, host: PostgresHost, secrets: PostgresSecrets): Promise<PostgresLink> {
    const where = describeServer(target, host);
    const client = new Client({
      host: host.host,
      port: host.port,
      user: target.user,
      database: target.database,
      // A function, since without a password the library would look into the environment and into files.
      password: () => {
        if (secrets.password === "") throw new LogError("denied", `${where} asks ${target.user} for a password`);
        return secrets.password;
      },
      ssl: secrets.ssl,
      types: { getTypeParser: readerOf },
      connectionTimeoutMillis: POSTGRES_CONNECT_MS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: POSTGRES_KEEPALIVE_MS,
      application_name: "koor",
      options: "",
    });
    const link = new PostgresLink(client, where);
    try {
      await client.connect();
    } catch (error) {
      const judged = link.#judge(error);
      link.#end(judged);
      throw judged;
    }
    return link;
  }

  /** The process that who was connected to has named: another one than carries the statements out is a pooler's. */
  get greeted_pid(): number | null {
    // The library's types leave it out.
    return (this.#client as Client & { readonly processID: number | null }).processID;
  }

  /** Why it has ended; null while it lasts. */
  get ended(): LogError | null {
    return this.#ended;
  }

  /** Is told of the end, once; not of one that `close` made. */
  onEnd(listener: (error: LogError) => void): void {
    this.#onEnd = listener;
  }

  onNotice(listener: (notice: Notice) => void): void {
    this.#onNotice = listener;
  }

  /**
   * From now on a warning ends the connection before its statement is answered: a commit whose wait for a standby was
   * cancelled is answered as if it were there, with a warning.
   */
  beWary(): void {
    this.#wary = true;
  }

  /**
   * Carries out a statement when those before it are answered.
   * @throws LogError; RefusedStatement where the server answered with an error
   */
  ask<Row extends object>(
    statement: Statement,
    values: readonly Parameter[] = [],
    options: AskOptions = {},
  ): Promise<Row[]> {
    const answer = this.#turn.then(() => this.#send<Row>(statement, values, options));
    // Whoever asked hears of what became of it; the next one only waits.
    this.#turn = answer.then(
      () => undefined,
      () => undefined,
    );
    return answer;
  }

  /** Ends the connection; statements under way are broken off. */
  async close(): Promise<void> {
    this.#onEnd = () => undefined;
    const error = new LogError("unreachable", `the connection to ${this.#where} was closed`);
    const idle = this.#breakOff === null && this.#ended === null;
    if (!idle) {
      this.#end(error);
      return;
    }
    this.#ended = error;
    this.#tellClosed(error);
    // A server that hangs does not say goodbye.
    const timer = setTimeout(() => this.#cut(), POSTGRES_CLOSE_MS_MAX);
    await this.#client.end();
    clearTimeout(timer);
  }

  #send<Row extends object>(
    statement: Statement,
    values: readonly Parameter[],
    { bytes = 0, answer_ms_max = POSTGRES_ANSWER_MS_MAX }: AskOptions,
  ): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      const patience_ms = answer_ms_max + bytes / POSTGRES_BYTES_PER_MS_MIN;
      let settled = false;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        clearTimeout(timer);
        this.#breakOff = null;
        return true;
      };
      const timer = setTimeout(() => {
        // The answer may lie there unread where this thread was busy: what has come is read first.
        setImmediate(() => {
          if (!settled)
            this.#end(new LogError("unreachable", `${this.#where} has not answered for ${Math.round(patience_ms)} ms`));
        });
      }, patience_ms);
      this.#breakOff = (error) => {
        if (settle()) reject(error);
      };
      this.#client.query({ ...statement, values: [...values] }, (error: Error | null, result: QueryResult<Row>) => {
        if (!settle()) return;
        if (error) reject(this.#judge(error));
        else resolve(result.rows);
      });
    });
  }

  #judge(error: unknown): LogError {
    if (error instanceof LogError) return error;
    const message = `${this.#where}: ${explain(error)}`;
    if (!(error instanceof DatabaseError)) return new LogError("unreachable", message, error);
    const { code = "" } = error;
    const fault = FAULTS.find(([sqlstate]) => code.startsWith(sqlstate))?.[1] ?? "unreachable";
    return new RefusedStatement(fault, message, code, error);
  }

  #end(error: LogError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#cut();
    this.#breakOff?.(error);
    this.#tellClosed(error);
    this.#onEnd(error);
  }

  #cut(): void {
    this.#client.connection.stream.destroy();
  }
}
