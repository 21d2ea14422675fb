/**
 * The one HTTP client of the command line, on Node's own http: `fetch` alone would cost more start time
 * than all the rest. One request, one connection, one whole answer in memory. Paths are sent as they are
 * given: a URL library would fold the `.` and `..` that are literal in a key. Leaves WebSocket to
 * event-feed.ts and the meaning of an answer to its callers.
 */
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";

import {
  CLI_ADDRESS_TIMEOUT_MS,
  CLI_ANSWER_BYTES_MAX,
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
} from "../schemas/limits.js";
import { REASON_PHRASES } from "../schemas/status.js";
import { CliFailure, exitCodeOf, failed } from "./failure.js";
import type { Settings } from "./settings.js";
import { describeSystemError } from "./system-error.js";

export interface RequestPlan {
  readonly method: string;
  /** Encoded, with its query, below the server's own path prefix. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** A body that is too large to be held, instead of `body`; with its length where that is known. */
  readonly stream?: { readonly source: NodeJS.ReadableStream; readonly length: number | undefined };
  /** Silence that is borne before the answer; CLI_ANSWER_TIMEOUT_MS unless said. */
  readonly answer_timeout_ms?: number;
  /** Ends the request early; it then counts as failed. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** "" where the header is absent. */
  readonly content_type: string;
  readonly body: Buffer;
}

/** `/a/b` below the prefix that the server's URL may carry. */
export function joinServerPath(server: URL, path: string): string {
  return server.pathname.replace(/\/+$/, "") + path;
}

/** Who calls. */
export function makeHeaders({ token, instance }: Settings): Record<string, string> {
  return {
    ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
    ...(instance === "" ? {} : { "X-Koor-Instance": instance }),
  };
}

/** `?a=1&b=2`, percent-encoded; "" where there are no parameters. */
export function encodeQuery(parameters: Readonly<Record<string, string>>): string {
  return encodePairs(Object.entries(parameters));
}

/** As `encodeQuery`, where a name may stand more than once. */
export function encodePairs(parameters: readonly (readonly [name: string, value: string])[]): string {
  const pairs = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function unreachable(server: URL, why: string): CliFailure {
  return failed(`cannot reach ${server.origin}: ${why}`);
}

/** Starts the connection's clock: it runs until the socket, TLS included, is ready. */
function limitConnectTime(request: ClientRequest, secure: boolean): void {
  const timer = setTimeout(() => {
    request.destroy(new Error(`no connection within ${CLI_CONNECT_TIMEOUT_MS / 1000} s`));
  }, CLI_CONNECT_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.once("socket", (socket) => socket.once(secure ? "secureConnect" : "connect", stop));
  request.once("close", stop);
}

/** An answer that has begun. Whoever opened it closes it. */
export interface OpenAnswer {
  readonly response: IncomingMessage;
  readonly close: () => void;
}

/**
 * Sends one request and takes the whole answer, whatever its status. A failure (exit 1) means that no
 * answer came: whether the server did the work is then open.
 */
export async function sendRequest(settings: Settings, plan: RequestPlan): Promise<Answer | CliFailure> {
  const open = await openRequest(settings, plan);
  if (open instanceof CliFailure) return open;
  const answer = await collectAnswer(open.response);
  open.close();
  return typeof answer === "string" ? unreachable(settings.server, answer) : answer;
}

/** Sends one request, up to where its answer begins. */
export async function openRequest(settings: Settings, plan: RequestPlan): Promise<OpenAnswer | CliFailure> {
  const { server } = settings;
  const secure = server.protocol === "https:";
  const answer_timeout_ms = plan.answer_timeout_ms ?? CLI_ANSWER_TIMEOUT_MS;
  const length = plan.body?.length ?? plan.stream?.length;
  const { request: startRequest } = secure ? await import("node:https") : await import("node:http");
  const options: RequestOptions & { readonly autoSelectFamilyAttemptTimeout: number } = {
    method: plan.method,
    hostname: server.hostname.replace(/^\[|\]$/g, ""),
    port: server.port || (secure ? 443 : 80),
    path: joinServerPath(server, plan.path),
    headers: {
      Host: server.host,
      // A server closes at once after its answer where the client asked for that; a refusal that comes before
      // the whole body is sent would then be lost. The connection is ours to end.
      Connection: "keep-alive",
      ...makeHeaders(settings),
      ...plan.headers,
      ...(length === undefined ? {} : { "Content-Length": length }),
    },
    agent: false,
    autoSelectFamilyAttemptTimeout: CLI_ADDRESS_TIMEOUT_MS,
    ...(plan.signal ? { signal: plan.signal } : {}),
  };

  return await new Promise((resolve) => {
    const request = startRequest(options);
    let answered = false;
    limitConnectTime(request, secure);
    request.setTimeout(answer_timeout_ms, () => {
      request.destroy(new Error(`no answer within ${answer_timeout_ms / 1000} s`));
    });
    request.on("error", (error) => {
      // A server that refuses a body may answer and close before it has read all of it.
      if (!answered) resolve(unreachable(server, describeSystemError(error)));
    });
    request.on("response", (response) => {
      answered = true;
      resolve({ response, close: () => request.destroy() });
    });
    if (plan.stream === undefined) {
      request.end(plan.body);
      return;
    }
    plan.stream.source.on("error", (error: Error) => request.destroy(error));
    plan.stream.source.pipe(request);
  });
}

/** The whole answer, or why it did not come whole. */
export async function collectAnswer(response: IncomingMessage): Promise<Answer | string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > CLI_ANSWER_BYTES_MAX) return `the answer is longer than ${CLI_ANSWER_BYTES_MAX} bytes`;
      chunks.push(chunk);
    }
  } catch (error) {
    return `the answer broke off: ${describeSystemError(error)}`;
  }
  return {
    status: response.statusCode ?? 0,
    content_type: response.headers["content-type"] ?? "",
    body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
  };
}

/** What the server's error body says: its sentence, and whether it says more than that. */
function readErrorBody(body: Buffer): { readonly sentence: string; readonly says_more: boolean } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const sentence = "error" in parsed && typeof parsed.error === "string" ? parsed.error : "";
  const says_more = Object.keys(parsed).some((name) => name !== "error" && name !== "code");
  return { sentence, says_more };
}

/** A refusal as a failure: the server's own sentence, and its whole body where that says more. */
export function describeRefusal(status: number, body: Buffer): CliFailure {
  const error = readErrorBody(body);
  const sentence = error?.sentence || REASON_PHRASES[status] || "the server refused";
  const detail = error?.says_more ? body.toString("utf8").replace(/[\t\r\n]+/g, " ") : "";
  return new CliFailure(exitCodeOf(status) || 1, `${sentence} (${status})`, detail);
}

export function isSuccess(answer: Answer): boolean {
  return exitCodeOf(answer.status) === 0;
}
