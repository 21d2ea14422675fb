/**
 * The one way by which commands ask: one request, one answer, from the server in the settings or, where several are
 * given, from one of them. What an answer means is left to its callers, a connection to exchange.ts, the choice among
 * servers to failover.ts, WebSocket to event-feed.ts.
 */
import { REASON_PHRASES } from "../schemas/status.js";
import { exchange, limitsOf, NoAnswer, openExchange } from "./exchange.js";
import type { Answer, OpenAnswer, RequestPlan, SendOne } from "./exchange.js";
import { CliFailure, exitCodeOf, failed } from "./failure.js";
import { adviceFor, inFlagWords } from "./flag-words.js";
import { warn } from "./output.js";
import type { Settings } from "./settings.js";

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

/** A plan that is carried out as far as `send` does. */
async function sendBy<Got extends Answer | OpenAnswer>(
  send: SendOne<Got>,
  settings: Settings,
  plan: RequestPlan,
): Promise<Got | CliFailure> {
  const { cluster, server } = settings;
  const headers = makeHeaders(settings);
  // Only who has several servers pays for what chooses among them.
  if (cluster !== undefined)
    return await (await import("./failover.js")).sendWithFailover(cluster, headers, plan, send);
  const got = await send(server, headers, plan, limitsOf(plan));
  return got instanceof NoAnswer ? unreachable(server, got.why) : got;
}

/**
 * Sends one request and takes the whole answer, whatever its status. A failure (exit 1) means that no
 * answer came: whether the server did the work is then open.
 */
export async function sendRequest(settings: Settings, plan: RequestPlan): Promise<Answer | CliFailure> {
  const answer = await sendBy(exchange, settings, plan);
  // What is printed is not all: no command may take it for that.
  if (!(answer instanceof CliFailure) && answer.next !== undefined)
    warn(`the list is longer than one answer: it goes on with ?${answer.next}`);
  return answer;
}

/** Sends one request, up to where its answer begins. */
export async function openRequest(settings: Settings, plan: RequestPlan): Promise<OpenAnswer | CliFailure> {
  return await sendBy(openExchange, settings, plan);
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

/** A refusal as a failure: the server's sentence in the words of flags, and its whole body where that says more. */
export function describeRefusal(status: number, body: Buffer): CliFailure {
  const error = readErrorBody(body);
  const sentence = error?.sentence || REASON_PHRASES[status] || "the server refused";
  const detail = error?.says_more ? body.toString("utf8").replace(/[\t\r\n]+/g, " ") : adviceFor(sentence);
  return new CliFailure(exitCodeOf(status) || 3, `${inFlagWords(sentence)} (${status})`, detail);
}

export function isSuccess(answer: Answer): boolean {
  return exitCodeOf(answer.status) === 0;
}
