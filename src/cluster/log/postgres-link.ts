/**
 * Wraps one connection to PostgreSQL. The connection runs statements one after the other, each with a deadline. It
 * reports its end once. Only this file uses the client library. Runs in the thread that opened it.
 *
 * Results are read in text format, because the library corrupts binary results by decoding them as UTF-8. Therefore the
 * server sends byte strings as hexadecimal digits, which costs 4 ms per MiB. Byte strings to the server are binary.
 */
import { Client, DatabaseError, type QueryResult } from "pg";
import {
  POSTGRES_ANSWER_MS_MAX,
  POSTGRES_BYTES_PER_MS_MIN,
  POSTGRES_CLOSE_MS_MAX,
  POSTGRES_CONNECT_MS_MAX,
  POSTGRES_KEEPALIVE_MS,
} from "../../../schemas/limits/ordered-log.js";
import { reasonOf } from "../../base/reason.js";
import { LogError, type LogFault } from "./ordered-log.js";
import type { PostgresHost, PostgresSecrets, PostgresTarget } from "./postgres-address.js";

/** A statement. If it has a name, it is prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

export type Parameter = string | number | Uint8Array | readonly string[];

export interface AskOptions {
  /** The number of bytes that are sent or received. The deadline is extended for them. */
  readonly bytes?: number;
  /** The time for the answer in ms, before it is extended for `bytes`; POSTGRES_ANSWER_MS_MAX by default. */
  readonly answerMsMax?: number;
}

/** A notification of the server on a channel. */
export interface Notification {
  readonly payload: string;
  /** The id of the server process that sent the notification. It identifies the sender's connection. */
  readonly pid: number;
}

/** An error with which the server has answered a statement. */
export class RefusedStatement extends LogError {
  /** The five characters of the error code (PostgreSQL's appendix A). */
  readonly sqlstate: string;

  constructor(fault: LogFault, message: string, sqlstate: string, cause: unknown) {
    super(fault, message, cause);
    this.sqlstate = sqlstate;
  }
}

/** The fault for each beginning of a SQLSTATE. All other errors have the fault "unreachable". */
const FAULTS: readonly (readonly [sqlstate: string, fault: LogFault])[] = [
  /** The class "invalid authorization". */
  ["28", "denied"],
  /** The error "no such database". */
  ["3D000", "denied"],
  /** The error "insufficient privilege". */
  ["42501", "denied"],
  /** The errors "data corrupted" and "index corrupted". */
  ["XX001", "unsafe"],
  ["XX002", "unsafe"],
];

/** The class of SQLSTATEs that are warnings. The server can send a warning with a successful commit. */
const WARNING_CLASS = "01";

/** The parsers of column values. The key is the number of the type in `pg_type`. Values of other types stay text. */
const READERS: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === "t"],
  [17, (text) => Buffer.from(text.slice(2), "hex")],
  [20, Number],
  [23, Number],
]);

function readerOf(type: number): (text: string) => unknown {
  return READERS.get(type) ?? String;
}

/**
 * Returns the message of an error. Some connection errors have no message, but contain one error for each address that
 * was tried.
 */
function messageOf(error: unknown): string {
  return error instanceof AggregateError && error.message === ""
    ? error.errors.map(reasonOf).join("; ")
    : reasonOf(error);
}

/** Returns the name of the server for messages to the operator. */
export function describeServer(target: PostgresTarget, host: PostgresHost): string {
  return `PostgreSQL at ${host.label}, database ${target.database}`;
}

export class PostgresLink {
  readonly #client: Client;
  readonly #where: string;
  /** Resolves when the connection has ended on either side, with the reason. */
  readonly closed: Promise<LogError>;
  /** Why the connection has ended; null while it is open. Later statements fail with this error. */
  #ended: LogError | null = null;
  #resolveClosed: (error: LogError) => void = () => undefined;
  #onEnd: (error: LogError) => void = () => undefined;
  #onNotification: (notice: Notification) => void = () => undefined;
  #endsOnWarning = false;
  /** Aborts the statement in flight. */
  #abort: ((error: LogError) => void) | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(client: Client, where: string) {
    this.#client = client;
    this.#where = where;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    client.on("error", (error) => this.#end(this.#toLogError(error)));
    client.on("end", () => this.#end(new LogError("unreachable", `${where} has closed the connection`)));
    client.on("notification", ({ payload = "", processId }) => this.#onNotification({ payload, pid: processId }));
    client.on("notice", ({ code = "", message = "" }) => {
      if (this.#endsOnWarning && code.startsWith(WARNING_CLASS))
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
      // Give the library a function even if there is no password. Otherwise it would look for one in the environment
      // and in files.
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
      const logError = link.#toLogError(error);
      link.#end(logError);
      throw logError;
    }
    return link;
  }

  /**
   * The id of the server process that greeted this node when the connection was opened. If another process runs the
   * statements, a connection pooler is in between.
   */
  get greetedPid(): number | null {
    // The types of the library lack `processID`.
    return (this.#client as Client & { readonly processID: number | null }).processID;
  }

  /** Why the connection has ended; null while it is open. */
  get ended(): LogError | null {
    return this.#ended;
  }

  /** Sets the listener that is called once when the connection ends. It is not called after `close`. */
  onEnd(listener: (error: LogError) => void): void {
    this.#onEnd = listener;
  }

  onNotification(listener: (notice: Notification) => void): void {
    this.#onNotification = listener;
  }

  /**
   * From now on, a warning from the server ends the connection, and its statement fails. The reason is one warning: if
   * a commit stops waiting for its standby, the server reports success with a warning, although the standby may lack
   * the data.
   */
  endOnWarning(): void {
    this.#endsOnWarning = true;
  }

  /**
   * Runs a statement when all earlier statements are answered.
   * @throws LogError; RefusedStatement if the server answered with an error
   */
  ask<Row extends object>(
    statement: Statement,
    values: readonly Parameter[] = [],
    options: AskOptions = {},
  ): Promise<Row[]> {
    const answer = this.#tail.then(() => this.#send<Row>(statement, values, options));
    // The caller handles an error of this statement. The next statement waits only for its end.
    this.#tail = answer.then(
      () => undefined,
      () => undefined,
    );
    return answer;
  }

  /** Ends the connection. Statements in flight are aborted. */
  async close(): Promise<void> {
    this.#onEnd = () => undefined;
    const error = new LogError("unreachable", `the connection to ${this.#where} was closed`);
    const idle = this.#abort === null && this.#ended === null;
    if (!idle) {
      this.#end(error);
      return;
    }
    this.#ended = error;
    this.#resolveClosed(error);
    // Cut the connection after a timeout, because a server that hangs does not close its side.
    const timer = setTimeout(() => this.#cut(), POSTGRES_CLOSE_MS_MAX);
    await this.#client.end();
    clearTimeout(timer);
  }

  #send<Row extends object>(
    statement: Statement,
    values: readonly Parameter[],
    { bytes = 0, answerMsMax = POSTGRES_ANSWER_MS_MAX }: AskOptions,
  ): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      const patienceMs = answerMsMax + bytes / POSTGRES_BYTES_PER_MS_MIN;
      let settled = false;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        clearTimeout(timer);
        this.#abort = null;
        return true;
      };
      const timer = setTimeout(() => {
        // The answer may have arrived while this thread was busy. So read that data first, and only then decide that
        // the statement is late.
        setImmediate(() => {
          if (!settled)
            this.#end(new LogError("unreachable", `${this.#where} has not answered for ${Math.round(patienceMs)} ms`));
        });
      }, patienceMs);
      this.#abort = (error) => {
        if (settle()) reject(error);
      };
      this.#client.query({ ...statement, values: [...values] }, (error: Error | null, result: QueryResult<Row>) => {
        if (!settle()) return;
        if (error) reject(this.#toLogError(error));
        else resolve(result.rows);
      });
    });
  }

  #toLogError(error: unknown): LogError {
    if (error instanceof LogError) return error;
    const message = `${this.#where}: ${messageOf(error)}`;
    if (!(error instanceof DatabaseError)) return new LogError("unreachable", message, error);
    const { code = "" } = error;
    const fault = FAULTS.find(([sqlstate]) => code.startsWith(sqlstate))?.[1] ?? "unreachable";
    return new RefusedStatement(fault, message, code, error);
  }

  #end(error: LogError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#cut();
    this.#abort?.(error);
    this.#resolveClosed(error);
    this.#onEnd(error);
  }

  #cut(): void {
    this.#client.connection.stream.destroy();
  }
}
