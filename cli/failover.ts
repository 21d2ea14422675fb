/**
 * Sends one request to one of several servers. If a server fails, the request goes to the next server, but only if this
 * cannot execute it twice.
 * Each call declares whether it may be repeated (exchange.ts). Each request carries the log position that the server
 * must have reached. Runs in the CLI process.
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

type Headers = Readonly<Record<string, string>>;

/**
 * The HTTP statuses with which Koor answers only if it stored nothing. After such an answer the request can be sent to
 * another server.
 */
const NOT_STORED: ReadonlySet<number> = new Set([STATUSES.UNAVAILABLE.http, STATUSES.DISK_FULL.http]);
const BAD_GATEWAY = 502;
/**
 * The HTTP statuses of a server that cannot answer now, or of a proxy in front of such a server. The server may have
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
 * Returns whether the answer comes from Koor itself, which answers with JSON. A proxy may answer 503 to a request that
 * it has forwarded, so only Koor's own 503 proves that nothing was stored.
 */
function isKoorError(got: Answer | OpenAnswer): boolean {
  if (!("body" in got)) return false;
  const text = got.body.toString("utf8");
  const parsed = parseJson(text);
  return typeof parsed === "object" && parsed !== null && "error" in parsed;
}

/** Returns whether the next server should be asked after this answer. */
function shouldTryNext(got: Answer | OpenAnswer, plan: RequestPlan): boolean {
  if (plan.stream !== undefined) return false;
  if ("body" in got && plan.isNotStored?.(got)) return true;
  return isRepeatable(plan) ? TRANSIENT.has(got.status) : NOT_STORED.has(got.status) && isKoorError(got);
}

/** Closes an answer whose body will not be read. Otherwise its connection would keep the process alive. */
function close(got: Answer | OpenAnswer | CliFailure | undefined): void {
  if (got !== undefined && "close" in got) got.close();
}

/** The result of sending the request to each server once. */
interface Round<Got> {
  readonly outcome: Got | CliFailure;
  /**
   * The highest log position that a lagging server reported. A server lags if it has not reached the required position.
   * It is undefined if no server lagged.
   */
  readonly laggingPosition: number | undefined;
}

/**
 * Returns the time limits for a request to one server. An explicit timeout covers all servers together, so each server
 * gets an equal share of the remaining time.
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
 * Sends the request to one server. Returns the server's answer, or the server to switch to. If the server becomes
 * isolated meanwhile, a repeatable request is moved to another server.
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
  return { outcome: refusal ?? failed(`cannot reach ${silent.join("; ")}`), laggingPosition };
}

/** A server's answer about its own state and the state of its log. */
interface ClusterStatus {
  readonly state?: unknown;
  readonly log_last?: unknown;
}

/**
 * The end of the cluster's log, and the unhealthy servers whose log is longer. Such a server has another log than the
 * cluster.
 */
interface LogEnd {
  readonly end: number;
  readonly onOtherLog: readonly URL[];
}

/**
 * Finds the end of the cluster's log, according to the healthy servers. Unhealthy servers do not count: a partitioned
 * server may report an old end, and a halted server may report the end of another log. Returns undefined if no server
 * is healthy. Returns `fallback` if no server reports a log.
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
 * Resets the required position if the cluster's log ends before it. The cluster was then started again with another
 * log, so no server can reach the position. If servers only lag, the position is kept, because they will reach it.
 * Returns whether the position was reset.
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
 * Sends the request to the servers in order, until an answer makes other servers unnecessary. Returns this answer. If
 * there is none, returns the last refusal. If no server refused, returns a failure that gives for each server the
 * reason why it did not answer.
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
