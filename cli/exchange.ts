/**
 * One request to one server, on Node's own http: `fetch` alone would cost more start time than all the rest. One
 * request, one connection. Paths are sent as they are given: a URL library would fold the `.` and `..` that are
 * literal in a key. Runs in the command line's process; leaves the choice of the server to client.ts.
 */
import { NEXT_HEADER } from "../schemas/next-header.js";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";

import {
  CLI_ADDRESS_TIMEOUT_MS,
  CLI_ANSWER_BYTES_MAX,
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
} from "../schemas/limits.js";
import { parsePosition, POSITION_HEADER } from "./cluster.js";
import { describeSystemError } from "./system-error.js";

type Headers = Readonly<Record<string, string>>;

export interface RequestPlan {
  readonly method: string;
  /** Encoded, with its query, below the server's own path prefix; a function where each try has one of its own. */
  readonly path: string | (() => string);
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** A body that is too large to be held, instead of `body`; with its length where that is known. */
  readonly stream?: { readonly source: NodeJS.ReadableStream; readonly length: number | undefined };
  /** Silence that is borne before the answer; CLI_ANSWER_TIMEOUT_MS unless said. */
  readonly answer_timeout_ms?: number;
  /** Ends the request early; it then counts as failed. */
  readonly signal?: AbortSignal;
  /**
   * Sent again where its answer was lost, it does and answers the same: it may go to another server of a cluster
   * though one may have carried it out. Anything but a GET says so by itself.
   */
  readonly repeatable?: boolean;
  /**
   * Whether an answer that is a success by its status says that the server could not write, and stored nothing: then
   * another one is asked. Only what wraps Koor's refusals in answers of its own has this.
   */
  readonly isNotStored?: (answer: Answer) => boolean;
  /** Asks how a server of a cluster itself is: it answers however far behind it is. */
  readonly about_server?: boolean;
}

export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** How far in its cluster's log the server was; undefined where it does not say. */
  readonly position: number | undefined;
  /** "" where the header is absent. */
  readonly content_type: string;
  /** Where a list goes on that was cut: parameters of its query; absent where all of it is here. */
  readonly next?: string;
  readonly body: Buffer;
}

/** An answer that has begun. Whoever opened it closes it. */
export interface OpenAnswer extends Pick<Answer, "status" | "position"> {
  readonly response: IncomingMessage;
  readonly close: () => void;
}

/** No answer came, or not the whole of it. */
export class NoAnswer {
  /** @param sent whether the server may have got the request, and carried it out */
  constructor(
    readonly why: string,
    readonly sent: boolean,
  ) {}
}

/** How long a server may take. */
export interface ExchangeLimits {
  /** Until the connection stands, TLS included. */
  readonly connect_ms: number;
  /** Silence before the answer. */
  readonly answer_ms: number;
}

export function limitsOf(plan: RequestPlan): ExchangeLimits {
  return { connect_ms: CLI_CONNECT_TIMEOUT_MS, answer_ms: plan.answer_timeout_ms ?? CLI_ANSWER_TIMEOUT_MS };
}

/** `/a/b` below the prefix that the server's URL may carry. */
export function joinServerPath(server: URL, path: string): string {
  return server.pathname.replace(/\/+$/, "") + path;
}

/** Runs the connection's clock until the socket, TLS included, is ready; `ready` is called then. */
function awaitConnection(request: ClientRequest, secure: boolean, connect_ms: number, ready: () => void): void {
  const timer = setTimeout(() => {
    request.destroy(new Error(`no connection within ${connect_ms / 1000} s`));
  }, connect_ms);
  const stop = (): void => clearTimeout(timer);
  request.once("socket", (socket) =>
    socket.once(secure ? "secureConnect" : "connect", () => {
      stop();
      ready();
    }),
  );
  request.once("close", stop);
}

/** How far a request is carried out: to the beginning of its answer (`openExchange`), or the whole (`exchange`). */
export type SendOne<Got extends Answer | OpenAnswer> = (
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  limits: ExchangeLimits,
) => Promise<Got | NoAnswer>;

/** Sends one request, up to where its answer begins. */
export async function openExchange(
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  { connect_ms, answer_ms }: ExchangeLimits,
): Promise<OpenAnswer | NoAnswer> {
  const secure = server.protocol === "https:";
  const length = plan.body?.length ?? plan.stream?.length;
  const { request: startRequest } = secure ? await import("node:https") : await import("node:http");
  const options: RequestOptions & { readonly autoSelectFamilyAttemptTimeout: number } = {
    method: plan.method,
    hostname: server.hostname.replace(/^\[|\]$/g, ""),
    port: server.port || (secure ? 443 : 80),
    path: joinServerPath(server, typeof plan.path === "string" ? plan.path : plan.path()),
    headers: {
      Host: server.host,
      // A server closes at once after its answer where the client asked for that; a refusal that comes before
      // the whole body is sent would then be lost. The connection is ours to end.
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
      // Not before: where there is no connection, another server is to get all of it.
      if (plan.stream !== undefined) plan.stream.source.pipe(request);
    });
    request.setTimeout(answer_ms, () => {
      request.destroy(new Error(`no answer within ${answer_ms / 1000} s`));
    });
    request.on("error", (error) => {
      // A server that refuses a body may answer and close before it has read all of it.
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

/** The whole answer, or why it did not come whole. */
export async function collectAnswer({ status, position, response }: OpenAnswer): Promise<Answer | NoAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > CLI_ANSWER_BYTES_MAX)
        return new NoAnswer(`the answer is longer than ${CLI_ANSWER_BYTES_MAX} bytes`, true);
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

/** Sends one request and takes the whole answer into memory. */
export async function exchange(
  server: URL,
  headers: Headers,
  plan: RequestPlan,
  limits: ExchangeLimits,
): Promise<Answer | NoAnswer> {
  const open = await openExchange(server, headers, plan, limits);
  if (open instanceof NoAnswer) return open;
  const answer = await collectAnswer(open);
  open.close();
  return answer;
}
