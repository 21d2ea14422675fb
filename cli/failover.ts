/**
 * Sends one request to one of several servers. If a server fails, the request goes to the next one, unless it could
 * then be executed twice. exchange.ts says which requests may be repeated. Each request demands the log position that
 * this user has seen. Runs in the CLI process.
 */
import {
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
  CLI_LOG_ANSWER_TIMEOUT_MS,
  CLI_TURN_CONNECT_TIMEOUT_MS,
} from "../schemas/limits/cli.js";
import { STATUSES } from "../schemas/status.js";
import { parseJson } from "../shared/json-text.js";
import { AFTER_HEADER, type Cluster } from "./cluster.js";
import { exchange, NoAnswer } from "./exchange.js";
import type { Answer, ExchangeLimits, OpenAnswer, RequestPlan, SendOne } from "./exchange.js";
import { failed, type CliFailure } from "./failure.js";
import { warn } from "./output.js";
import { isTrusted, runWatched } from "./server-health.js";
import { START_ADVICE } from "./setting-rules.js";

type Headers = Readonly<Record<string, string>>;

/** The HTTP statuses that Koor sends only if it stored nothing. Afterwards, the request can go to another server. */
const NOT_STORED: ReadonlySet<number> = new Set([STATUSES.UNAVAILABLE.http, STATUSES.DISK_FULL.http]);
const BAD_GATEWAY = 502;
/**
 * The HTTP statuses of a server that cannot answer now, or of a proxy in front of it. The server may nevertheless have
 * executed the request.
 */
const TRANSIENT: ReadonlySet<number> = new Set([
  BAD_GATEWAY,
  STATUSES.UNAVAILABLE.http,
  STATUSES.DEADLINE_EXCEEDED.http,
  STATUSES.DISK_FULL.http,
]);

export function isRepeatable({ method, repeatable, stream }: RequestPlan): boolean {
  return stream === undefined && (method === "GET" || repeatable === true);
}

/**
 * Returns whether the answer is JSON with an error, so that it comes from Koor itself. A proxy may answer 503 after it
 * has forwarded the request. Only Koor's own 503 proves that nothing was stored.
 */
function isKoorError(got: Answer | OpenAnswer): boolean {
  if (!("body" in got)) return false;
  const text = got.body.toString("utf8");
  const parsed = parseJson(text);
  return typeof parsed === "object" && parsed !== null && "error" in parsed;
}

/** Returns whether to send the request to the next server after this answer. */
function shouldTryNext(got: Answer | OpenAnswer, plan: RequestPlan): boolean {
  if (plan.stream !== undefined) return false;
  if ("body" in got && plan.isNotStored?.(got)) return true;
  return isRepeatable(plan) ? TRANSIENT.has(got.status) : NOT_STORED.has(got.status) && isKoorError(got);
}

/** Closes an answer whose body is not needed. Otherwise its connection would keep the process alive. */
function close(got: Answer | OpenAnswer | CliFailure | undefined): void {
  if (got !== undefined && "close" in got) got.close();
}

/** The result of one round, in which the request was sent to each server at most once. */
interface Round<Got> {
  readonly outcome: Got | CliFailure;
  /**
   * The highest log position that a lagging server reported; undefined if none lags. A server lags if it has not
   * reached the required position.
   */
  readonly laggingPosition: number | undefined;
}

/**
 * Returns the time limits for a request to one server. A timeout that the caller sets is for all servers together, so
 * each server gets an equal share of the time that is left.
 */
function limitsFor(plan: RequestPlan, untilMs: number, serversLeft: number): ExchangeLimits {
  const connectMs = serversLeft > 1 ? CLI_TURN_CONNECT_TIMEOUT_MS : CLI_CONNECT_TIMEOUT_MS;
  const setMs = plan.answer_timeout_ms;
  if (setMs === undefined || !isRepeatable(plan))
    return { connect_ms: connectMs, answerMs: setMs ?? CLI_ANSWER_TIMEOUT_MS };
  const answerMs = Math.max(1, Math.ceil((untilMs - performance.now()) / serversLeft));
  return { connect_ms: Math.min(connectMs, answerMs), answerMs };
}

/**
 * Sends the request to one server. Returns its answer. If the server becomes isolated meanwhile, a repeatable request
 * is aborted, and the result names the server to switch to.
 */
async function tryServer<Got extends Answer | OpenAnswer>(
  server: URL,
  others: readonly URL[],
  headers: Headers,
  plan: RequestPlan,
  limits: ExchangeLimits,
  send: SendOne<Got>,
): Promise<{ readonly done: Got | NoAnswer; readonly switchTo: URL | undefined }> {
  if (!isRepeatable(plan)) return { done: await send(server, headers, plan, limits), switchTo: undefined };
  return await runWatched(server, others, plan.signal, async (signal) => {
    return await send(server, headers, { ...plan, signal }, limits);
  });
}

async function tryServers<Got extends Answer | OpenAnswer>(
  cluster: Cluster,
  headers: Headers,
  plan: RequestPlan,
  send: SendOne<Got>,
): Promise<Round<Got>> {
  const after = plan.aboutServer ? 0 : cluster.position;
  const withPosition = after === 0 ? headers : { ...headers, [AFTER_HEADER]: String(after) };
  const untilMs = performance.now() + (plan.answer_timeout_ms ?? 0);
  const silent: string[] = [];
  let refusal: Got | undefined;
  let laggingPosition: number | undefined;
  let next: URL | undefined;
  const servers = cluster.candidates();
  for (const [at, server] of servers.entries()) {
    if (next !== undefined && next !== server) continue;
    next = undefined;
    if (!plan.aboutServer && !(await isTrusted(cluster, server, plan.signal))) {
      silent.push(`${server.origin}: not healthy since the log was created again`);
      cluster.moveOnFrom(server);
      continue;
    }
    const limits = limitsFor(plan, untilMs, servers.length - at);
    const { done: got, switchTo } = await tryServer(server, servers.slice(at + 1), withPosition, plan, limits, send);
    if (switchTo !== undefined && got instanceof NoAnswer) {
      silent.push(`${server.origin}: halted or cut off`);
      next = switchTo;
      cluster.switchTo(switchTo);
      continue;
    }
    if (got instanceof NoAnswer) {
      silent.push(`${server.origin}: ${got.why}`);
      cluster.moveOnFrom(server);
      if (got.sent && !isRepeatable(plan)) {
        close(refusal);
        const detail = "it may have been executed, so no other server was asked";
        return { outcome: failed(`cannot reach ${server.origin}: ${got.why}`, detail), laggingPosition: undefined };
      }
      if (plan.signal?.aborted) break;
      continue;
    }
    if (!shouldTryNext(got, plan)) {
      cluster.recordAnswer(server, got.position);
      close(refusal);
      return { outcome: got, laggingPosition: undefined };
    }
    if (got.position !== undefined && got.position < after)
      laggingPosition = Math.max(laggingPosition ?? 0, got.position);
    cluster.moveOnFrom(server);
    close(refusal);
    refusal = got;
  }
  return { outcome: refusal ?? failed(`cannot reach ${silent.join("; ")}`, START_ADVICE), laggingPosition };
}

/** A server's answer to a request for the status of its cluster. */
interface ClusterStatus {
  readonly state?: unknown;
  readonly log_last?: unknown;
}

/**
 * The position at which the cluster's log ends. `onOtherLog` are the unhealthy servers whose log is longer, so that it
 * must be another log.
 */
interface LogEnd {
  readonly end: number;
  readonly onOtherLog: readonly URL[];
}

/**
 * Finds the position at which the cluster's log ends, according to the healthy servers. A partitioned server may report
 * an old position, and a halted server the position of another log. Returns undefined if no server is healthy, and
 * `fallback` if no server reports a log.
 */
async function findLogEnd(cluster: Cluster, headers: Headers, fallback: number): Promise<LogEnd | undefined> {
  const limits = { connect_ms: CLI_TURN_CONNECT_TIMEOUT_MS, answerMs: CLI_LOG_ANSWER_TIMEOUT_MS };
  const plan = { method: "GET", path: "/api/cluster" };
  const answers = await Promise.all(cluster.servers.map((server) => exchange(server, headers, plan, limits)));
  const ends = answers.flatMap((answer, at) => {
    const text = answer instanceof NoAnswer || answer.status !== STATUSES.OK.http ? "" : answer.body.toString("utf8");
    const parsed = parseJson(text) as ClusterStatus | null | undefined;
    if (!Number.isSafeInteger(parsed?.log_last)) return [];
    return [{ server: cluster.servers[at], last: parsed?.log_last as number, healthy: parsed?.state === "ok" }];
  });
  if (ends.length === 0) return { end: fallback, onOtherLog: [] };
  const healthy = ends.filter((one) => one.healthy);
  if (healthy.length === 0) return undefined;
  const end = Math.max(...healthy.map(({ last }) => last));
  const onOtherLog = ends.flatMap(({ server, last }) => (server !== undefined && last > end ? [server] : []));
  return { end, onOtherLog };
}

/**
 * Sets the required position back if the cluster's log ends before it. No server can reach the position then, because
 * the cluster was started again with another log. Keeps the position if the servers only lag. Returns whether it was
 * set back.
 */
async function resetLostPosition(cluster: Cluster, headers: Headers, fallback: number): Promise<boolean> {
  const { position } = cluster;
  const log = await findLogEnd(cluster, headers, fallback);
  if (log === undefined || log.end >= position) return false;
  const { end, onOtherLog } = log;
  warn(
    `the cluster's log ends at ${end}, before ${position}, which was seen earlier: it was created again or is another`,
  );
  cluster.resetPosition(end, onOtherLog);
  return true;
}

/**
 * Sends the request to the servers in order, until one gives a usable answer. Otherwise returns the last refusal. If
 * there is none, the failure says for each server why it did not answer.
 */
export async function sendWithFailover<Got extends Answer | OpenAnswer>(
  cluster: Cluster,
  headers: Headers,
  plan: RequestPlan,
  send: SendOne<Got>,
): Promise<Got | CliFailure> {
  await cluster.open();
  const first = await tryServers(cluster, headers, plan, send);
  if (first.laggingPosition === undefined || !(await resetLostPosition(cluster, headers, first.laggingPosition)))
    return first.outcome;
  close(first.outcome);
  return (await tryServers(cluster, headers, plan, send)).outcome;
}
