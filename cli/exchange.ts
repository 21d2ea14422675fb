/**
 * Sends one request to one server, over a connection of its own. client.ts chooses the server.
 *
 * Node's http module is used, because loading `fetch` alone takes longer than the rest of the start. Paths are sent
 * unchanged: a URL library would resolve `.` and `..`, which are literal in a key. Runs in the CLI process.
 */
import { NEXT_HEADER } from "../schemas/next-header.js";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";

import {
  CLI_ADDRESS_TIMEOUT_MS,
  CLI_ANSWER_BYTES_MAX,
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
} from "../schemas/limits/cli.js";
import { parsePosition, POSITION_HEADER } from "./cluster.js";
import { describeSystemError } from "./system-error.js";
import { lengthOf, withProgress } from "./transfer.js";

type Headers = Readonly<Record<string, string>>;

export interface RequestPlan {
  readonly method: string;
  /**
   * The percent-encoded path and query, below the server's path prefix. A function is called for each attempt, and
   * returns the path for that attempt.
   */
  readonly path: string | (() => string);
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** A body that is too large for memory, as a stream instead of `body`. `length` is undefined if it is not known. */
  readonly stream?: { readonly source: NodeJS.ReadableStream; readonly length: number | undefined };
  /** The maximum time without data from the server, in ms. The default is CLI_ANSWER_TIMEOUT_MS. */
  readonly answer_timeout_ms?: number;
  /** The maximum size of the answer, in bytes. The default is CLI_ANSWER_BYTES_MAX. */
  readonly answerBytesMax?: number;
  /** Aborts the request when it fires. The request then counts as failed. */
  readonly signal?: AbortSignal;
  /**
   * Whether the request is idempotent: sent twice, it has the same effect and gets the same answer. If no answer comes,
   * the request may be sent to another server, although the first server may have executed it. GET is always
   * idempotent.
   */
  readonly repeatable?: boolean;
  /**
   * Returns whether the server stored nothing, although the HTTP status is a success. The request is then sent to
   * another server. Only MCP needs this, because an MCP answer to a refused call has a success status.
   */
  readonly isNotStored?: (answer: Answer) => boolean;
  /**
   * Whether the request asks for the status of the server itself. Such a request demands no log position, so a server
   * that lags behind the log answers too.
   */
  readonly aboutServer?: boolean;
}

export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The server's position in the log of its cluster; undefined if the server reports none. */
  readonly position: number | undefined;
  /** The value of the Content-Type header; "" if it is absent. */
  readonly content_type: string;
  /** The query parameters for the next page; absent on the last page. */
  readonly next?: string;
  readonly body: Buffer;
}

/** An answer whose body has not been read yet. The caller must close it. */
export interface OpenAnswer extends Pick<Answer, "status" | "position"> {
  readonly response: IncomingMessage;
  readonly close: () => void;
}

/** The result of a request to which no answer came, or only a part of one. */
export class NoAnswer {
  /** @param sent whether the server may have received the request, and may have executed it */
  constructor(
    readonly why: string,
    readonly sent: boolean,
  ) {}
}

/** The time limits of one exchange. */
export interface ExchangeLimits {
  /** The maximum time until the connection is established, including TLS, in ms. */
  readonly connect_ms: number;
  /** The maximum time without data from the server, in ms. */
  readonly answerMs: number;
}

export function limitsOf(plan: RequestPlan): ExchangeLimits {
  return { connect_ms: CLI_CONNECT_TIMEOUT_MS, answerMs: plan.answer_timeout_ms ?? CLI_ANSWER_TIMEOUT_MS };
}

/** Appends a path such as `/a/b` to the path prefix of the server's URL. */
export function joinServerPath(server: URL, path: string): string {
  return server.pathname.replace(/\/+$/, "") + path;
}

/**
 * Calls `ready` when the connection is established, including TLS. Aborts the request if no connection is established
 * within `connectMs`.
 */
function awaitConnection(request: ClientRequest, secure: boolean, connectMs: number, ready: () => void): void {
  const timer = setTimeout(() => {
    request.destroy(new Error(`no connection within ${connectMs / 1000} s`));
  }, connectMs);
  const stop = (): void => clearTimeout(timer);
  request.once("socket", (socket) =>
    socket.once(secure ? "secureConnect" : "connect", () => {
      stop();
      ready();
    }),
  );
  request.once("close", stop);
}

/** A function that sends one request: `openExchange` returns at the start of the answer, `exchange` at its end. */
export type SendOne<Got extends Answer | OpenAnswer> = (
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  limits: ExchangeLimits,
) => Promise<Got | NoAnswer>;

/** Sends one request. Returns when the headers of the answer have arrived, before its body is read. */
export async function openExchange(
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  { connect_ms, answerMs }: ExchangeLimits,
): Promise<OpenAnswer | NoAnswer> {
  const secure = server.protocol === "https:";
  const length = plan.body?.length ?? plan.stream?.length;
  // Take the function directly. A static import would load parts of Node that no request needs.
  const { request: startRequest } = process.getBuiltinModule(secure ? "node:https" : "node:http");
  const options: RequestOptions & { readonly autoSelectFamilyAttemptTimeout: number } = {
    method: plan.method,
    hostname: server.hostname.replace(/^\[|\]$/g, ""),
    port: server.port || (secure ? 443 : 80),
    path: joinServerPath(server, typeof plan.path === "string" ? plan.path : plan.path()),
    headers: {
      Host: server.host,
      // Keep the connection open, and close it ourselves. A server may refuse a request before it has read the whole
      // body. With `Connection: close`, it would then close at once, and we would lose its answer.
      Connection: "keep-alive",
      ...headers,
      ...plan.headers,
      ...(length === undefined ? {} : { "Content-Length": length }),
    },
    agent: false,
    autoSelectFamilyAttemptTimeout: CLI_ADDRESS_TIMEOUT_MS,
    ...(plan.signal ? { signal: plan.signal } : {}),
  };

  return await new Promise((resolve) => {
    const request = startRequest(options);
    let sent = false;
    let answered = false;
    awaitConnection(request, secure, connect_ms, () => {
      sent = true;
      // Read the stream only now. If the connection had failed, another server could still get the whole stream.
      if (plan.stream !== undefined) plan.stream.source.pipe(request);
    });
    request.setTimeout(answerMs, () => {
      request.destroy(new Error(`no answer within ${answerMs / 1000} s`));
    });
    request.on("error", (error) => {
      // Ignore an error after the answer. A server that refuses a body may answer, and close the connection before it
      // has read the whole body.
      if (!answered) resolve(new NoAnswer(describeSystemError(error), sent));
    });
    request.on("response", (response) => {
      answered = true;
      const position = parsePosition(response.headers[POSITION_HEADER]);
      resolve({ status: response.statusCode ?? 0, position, response, close: () => request.destroy() });
    });
    if (plan.stream === undefined) request.end(plan.body);
    else plan.stream.source.on("error", (error: Error) => request.destroy(error));
  });
}

/** Reads the whole body of an answer. Returns a `NoAnswer` if the body is incomplete or too long. */
export async function collectAnswer(
  { status, position, response }: OpenAnswer,
  bytesMax = CLI_ANSWER_BYTES_MAX,
): Promise<Answer | NoAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const totalBytes = lengthOf(response.headers["content-length"]);
    for await (const chunk of withProgress(response as AsyncIterable<Buffer>, { name: "answer", totalBytes })) {
      bytes += chunk.length;
      if (bytes > bytesMax) return new NoAnswer(`the answer is longer than ${bytesMax} bytes`, true);
      chunks.push(chunk);
    }
  } catch (error) {
    return new NoAnswer(`the answer broke off: ${describeSystemError(error)}`, true);
  }
  const next = response.headers[NEXT_HEADER.toLowerCase()];
  return {
    status,
    position,
    content_type: response.headers["content-type"] ?? "",
    ...(typeof next === "string" ? { next } : {}),
    body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
  };
}

/** Sends one request and reads the whole answer into memory. */
export async function exchange(
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  limits: ExchangeLimits,
): Promise<Answer | NoAnswer> {
  const open = await openExchange(server, headers, plan, limits);
  if (open instanceof NoAnswer) return open;
  const answer = await collectAnswer(open, plan.answerBytesMax);
  open.close();
  return answer;
}
