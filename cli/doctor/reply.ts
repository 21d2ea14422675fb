/**
 * Sends the requests of `doctor`. Other commands let the failover module choose a server, but `doctor` calls one
 * certain server. It also waits only briefly, and needs the headers of the answer. Runs in the CLI process.
 */
import type { IncomingHttpHeaders } from "node:http";

import { CLI_CHECK_ANSWER_BYTES_MAX, CLI_DOCTOR_ANSWER_MS } from "../../schemas/limits/cli.js";
import { parseJson } from "../../shared/json-text.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { describeRefusal } from "../client.js";
import { collectAnswer, NoAnswer, openExchange, type OpenAnswer, type RequestPlan } from "../exchange.js";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The time at which the answer began, in ms since the Unix epoch by this machine's clock. */
  readonly atMs: number;
  readonly tookMs: number;
}

type Headers = Readonly<Record<string, string>>;

const LIMITS = { connect_ms: CLI_DOCTOR_ANSWER_MS, answerMs: CLI_DOCTOR_ANSWER_MS };

/** The reason for a failure that is reported if no answer comes in time. */
export const TOO_LATE = `no answer within ${CLI_DOCTOR_ANSWER_MS / 1000} s`;

function withReason(open: NoAnswer, signal: AbortSignal): NoAnswer {
  return signal.aborted ? new NoAnswer(TOO_LATE, open.sent) : open;
}

/**
 * Sends a request. Returns when the headers of the answer have arrived. If the signal fires, the connection is closed.
 */
export async function openReply(
  server: URL,
  plan: RequestPlan,
  headers: Headers,
  signal: AbortSignal,
): Promise<OpenAnswer | NoAnswer> {
  const open = await openExchange(server, headers, { ...plan, signal }, LIMITS);
  return open instanceof NoAnswer ? withReason(open, signal) : open;
}

/** Sends a request and reads the whole answer. */
export async function fetchReply(server: URL, plan: RequestPlan, headers: Headers = {}): Promise<Reply | NoAnswer> {
  const signal = AbortSignal.timeout(CLI_DOCTOR_ANSWER_MS);
  const startedMs = performance.now();
  const open = await openReply(server, plan, headers, signal);
  if (open instanceof NoAnswer) return open;
  const [atMs, tookMs] = [Date.now(), performance.now() - startedMs];
  const answer = await collectAnswer(open, CLI_CHECK_ANSWER_BYTES_MAX);
  open.close();
  if (answer instanceof NoAnswer) return withReason(answer, signal);
  return { status: open.status, headers: open.response.headers, body: answer.body, atMs, tookMs };
}

/** Returns the JSON object in the body of an answer; undefined if the body is not a JSON object. */
export function objectIn({ body }: Pick<Reply, "body">): JsonObject | undefined {
  const parsed = parseJson(body.toString("utf8"));
  return isJsonObject(parsed) ? parsed : undefined;
}

/** Says in a few words why a request has failed. */
export function describeReply(reply: Reply | NoAnswer): string {
  return reply instanceof NoAnswer ? reply.why : describeRefusal(reply.status, reply.body).message;
}
