/**
 * Sends the requests of all commands. Each request goes to one of the configured servers and gets one answer, which the
 * caller interprets.
 *
 * exchange.ts makes the connection, failover.ts chooses among servers, and event-feed.ts handles WebSocket. Runs in the
 * CLI process.
 */
import { REASON_PHRASES, STATUSES } from "../schemas/status.js";
import { parseJson } from "../shared/json-text.js";
import { exchange, limitsOf, NoAnswer, openExchange } from "./exchange.js";
import type { Answer, OpenAnswer, RequestPlan, SendOne } from "./exchange.js";
import { CliFailure, exitCodeOf, failed } from "./failure.js";
import { adviceFor, inFlagWords } from "./flag-words.js";
import { START_ADVICE } from "./setting-rules.js";
import { actorOf, type Settings } from "./settings.js";

/** The start of the server's error message if it does not know the caller's session. */
const UNKNOWN_SESSION = "session not found: ";

/** Returns the HTTP headers that identify the caller. */
export function makeHeaders(settings: Settings): Record<string, string> {
  const { token } = settings;
  const { instance, session } = actorOf(settings);
  return {
    ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
    ...(instance === "" ? {} : { "X-Koor-Instance": instance }),
    ...(session === undefined ? {} : { "X-Koor-Session": session }),
  };
}

/** Returns a percent-encoded query string such as `?a=1&b=2`; "" without parameters. */
export function encodeQuery(parameters: Readonly<Record<string, string>>): string {
  return encodePairs(Object.entries(parameters));
}

/** Returns a query string like `encodeQuery`, but a name may occur several times (`?a=1&a=2`). */
export function encodePairs(parameters: readonly (readonly [name: string, value: string])[]): string {
  const pairs = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function unreachable(server: URL, why: string): CliFailure {
  return failed(`cannot reach ${server.origin}: ${why}`, START_ADVICE);
}

/**
 * Sends a request with the function `send`. If several servers are configured, the failover module chooses the server.
 */
async function sendBy<Got extends Answer | OpenAnswer>(
  send: SendOne<Got>,
  settings: Settings,
  plan: RequestPlan,
): Promise<Got | CliFailure> {
  const { cluster, server } = settings;
  const headers = makeHeaders(settings);
  // Load the failover module only if several servers are configured. With one server, loading it would only cost time.
  if (cluster !== undefined)
    return await (await import("./failover.js")).sendWithFailover(cluster, headers, plan, send);
  const got = await send(server, headers, plan, limitsOf(plan));
  return got instanceof NoAnswer ? unreachable(server, got.why) : got;
}

/**
 * Whether the server refused a call because it does not know the caller's session. The server has then done nothing.
 */
function isSessionUnknown({ status, body }: Answer): boolean {
  return status === STATUSES.NOT_FOUND.http && (readErrorBody(body)?.sentence.startsWith(UNKNOWN_SESSION) ?? false);
}

/**
 * Sends one request. If the server does not know the session, sends the request again as the instance of the folder.
 */
async function sendAsCaller(settings: Settings, plan: RequestPlan): Promise<Answer | CliFailure> {
  const { fallback } = settings;
  const answer = await sendBy(exchange, settings, plan);
  if (fallback === undefined || fallback.isUsed) return answer;
  if (answer instanceof CliFailure || !isSessionUnknown(answer)) return answer;
  fallback.isUsed = true;
  return await sendBy(exchange, settings, plan);
}

/**
 * Sends one request and reads the whole answer, whatever its status. Returns a failure (exit 3) if no answer came. The
 * server may have executed the request even then.
 */
export async function sendRequest(settings: Settings, plan: RequestPlan): Promise<Answer | CliFailure> {
  return await sendAsCaller(settings, plan);
}

/** Sends one request and returns when the headers of the answer have arrived. */
export async function openRequest(settings: Settings, plan: RequestPlan): Promise<OpenAnswer | CliFailure> {
  return await sendBy(openExchange, settings, plan);
}

/** Reads the error message of an error answer. Also returns whether the body contains more than the message. */
function readErrorBody(body: Buffer): { readonly sentence: string; readonly saysMore: boolean } | undefined {
  const parsed = parseJson(body.toString("utf8"));
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const sentence = "error" in parsed && typeof parsed.error === "string" ? parsed.error : "";
  const saysMore = Object.keys(parsed).some((name) => name !== "error" && name !== "code");
  return { sentence, saysMore };
}

/**
 * Converts an error answer into a failure. The message is the server's, with flags in place of API names. If the body
 * contains more than the message, the failure includes the whole body.
 */
export function describeRefusal(status: number, body: Buffer): CliFailure {
  const error = readErrorBody(body);
  const sentence = error?.sentence || REASON_PHRASES[status] || "the server refused";
  const detail = error?.saysMore ? body.toString("utf8").replace(/[\t\r\n]+/g, " ") : adviceFor(sentence);
  return new CliFailure(exitCodeOf(status) || 3, `${inFlagWords(sentence)} (${status})`, detail);
}

export function isSuccess(answer: Answer): boolean {
  return exitCodeOf(answer.status) === 0;
}
