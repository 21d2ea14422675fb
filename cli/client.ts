/**
 * Sends the requests of all commands: one request, one answer, from the configured server or, with several servers,
 * from one of them. Callers interpret the answer. exchange.ts makes the connection, failover.ts chooses among servers,
 * and event-feed.ts handles WebSocket. Runs in the CLI process.
 */
import { REASON_PHRASES } from "../schemas/status.js";
import { exchange, limitsOf, NoAnswer, openExchange } from "./exchange.js";
import type { Answer, OpenAnswer, RequestPlan, SendOne } from "./exchange.js";
import { CliFailure, exitCodeOf, failed } from "./failure.js";
import { adviceFor, inFlagWords } from "./flag-words.js";
import { warn } from "./output.js";
import type { Settings } from "./settings.js";

/** The headers that identify the caller. */
export function makeHeaders({ token, instance }: Settings): Record<string, string> {
  return {
    ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
    ...(instance === "" ? {} : { "X-Koor-Instance": instance }),
  };
}

/** Returns a percent-encoded query string, `?a=1&b=2`, or "" without parameters. */
export function encodeQuery(parameters: Readonly<Record<string, string>>): string {
  return encodePairs(Object.entries(parameters));
}

/** Does the same as `encodeQuery`, but a name may occur more than once. */
export function encodePairs(parameters: readonly (readonly [name: string, value: string])[]): string {
  const pairs = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function unreachable(server: URL, why: string): CliFailure {
  return failed(`cannot reach ${server.origin}: ${why}`);
}

/** Sends a plan with `send`, through failover if several servers are configured. */
async function sendBy<Got extends Answer | OpenAnswer>(
  send: SendOne<Got>,
  settings: Settings,
  plan: RequestPlan,
): Promise<Got | CliFailure> {
  const { cluster, server } = settings;
  const headers = makeHeaders(settings);
  // A user with one server must not pay the load time of the failover module.
  if (cluster !== undefined)
    return await (await import("./failover.js")).sendWithFailover(cluster, headers, plan, send);
  const got = await send(server, headers, plan, limitsOf(plan));
  return got instanceof NoAnswer ? unreachable(server, got.why) : got;
}

/**
 * Sends one request and reads the whole answer, whatever its status. A failure (exit 3) means that no answer came. It
 * is then unknown whether the server executed the request.
 */
export async function sendRequest(settings: Settings, plan: RequestPlan): Promise<Answer | CliFailure> {
  const answer = await sendBy(exchange, settings, plan);
  // The list is incomplete, and no command may take it for the whole list.
  if (!(answer instanceof CliFailure) && answer.next !== undefined)
    warn(`the list is longer than one answer: it continues with ?${answer.next}`);
  return answer;
}

/** Sends one request and returns as soon as its answer begins. */
export async function openRequest(settings: Settings, plan: RequestPlan): Promise<OpenAnswer | CliFailure> {
  return await sendBy(openExchange, settings, plan);
}

/** Reads the sentence of the server's error body, and whether the body has more members than that. */
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

/**
 * Converts an error response into a failure: the server's sentence in terms of flags, and the whole body if it has more
 * members.
 */
export function describeRefusal(status: number, body: Buffer): CliFailure {
  const error = readErrorBody(body);
  const sentence = error?.sentence || REASON_PHRASES[status] || "the server refused";
  const detail = error?.says_more ? body.toString("utf8").replace(/[\t\r\n]+/g, " ") : adviceFor(sentence);
  return new CliFailure(exitCodeOf(status) || 3, `${inFlagWords(sentence)} (${status})`, detail);
}

export function isSuccess(answer: Answer): boolean {
  return exitCodeOf(answer.status) === 0;
}
