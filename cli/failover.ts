/**
 * One request where several servers are given: they are asked in turn, as long as it is sure that it is not carried
 * out twice, and each is fallback how far in the cluster's log it must be. Runs in the command line's process. What may be
 * repeated, each call says by itself (exchange.ts).
 */
import {
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
  CLI_LOG_ANSWER_TIMEOUT_MS,
  CLI_TURN_CONNECT_TIMEOUT_MS,
} from "../schemas/limits.js";
import { STATUSES } from "../schemas/status.js";
import { AFTER_HEADER, type Cluster } from "./cluster.js";
import { exchange, NoAnswer } from "./exchange.js";
import type { Answer, ExchangeLimits, OpenAnswer, RequestPlan, SendOne } from "./exchange.js";
import { failed, type CliFailure } from "./failure.js";
import { isJson } from "./json-text.js";
import { warn } from "./output.js";
import { isTrusted, runWatched } from "./server-health.js";

type Headers = Readonly<Record<string, string>>;

/** Where all that Koor answers says that nothing was stored. */
const NOT_STORED: ReadonlySet<number> = new Set([STATUSES.UNAVAILABLE.http, STATUSES.DISK_FULL.http]);
const BAD_GATEWAY = 502;
/** Answers of a server that cannot just now, or of a proxy before one; what was asked may have been carried out. */
const TRANSIENT: ReadonlySet<number> = new Set([
  BAD_GATEWAY,
  STATUSES.UNAVAILABLE.http,
  STATUSES.DEADLINE_EXCEEDED.http,
  STATUSES.DISK_FULL.http,
]);

export function isRepeatable({ method, repeatable, stream }: RequestPlan): boolean {
  return stream === undefined && (method === "GET" || repeatable === true);
}

/** A proxy may say 503 of a request that it has passed on: only Koor's own, which is JSON, is to be relied on. */
function isKoorError(got: Answer | OpenAnswer): boolean {
  if (!("body" in got)) return false;
  const text = got.body.toString("utf8");
  const parsed: unknown = isJson(text) ? JSON.parse(text) : null;
  return typeof parsed === "object" && parsed !== null && "error" in parsed;
}

/** Whether another server is to be asked in place of this answer. */
function shouldTryNext(got: Answer | OpenAnswer, plan: RequestPlan): boolean {
  if (plan.stream !== undefined) return false;
  if ("body" in got && plan.isNotStored?.(got)) return true;
  return isRepeatable(plan) ? TRANSIENT.has(got.status) : NOT_STORED.has(got.status) && isKoorError(got);
}

/** An answer that nobody reads: its connection would keep the process. */
function close(got: Answer | OpenAnswer | CliFailure | undefined): void {
  if (got !== undefined && "close" in got) got.close();
}

/** What asking each of them once has come to. */
interface Round<Got> {
  readonly outcome: Got | CliFailure;
  /** How far a server was that did not get to where it was to be; undefined where none was laggingPosition. */
  readonly laggingPosition: number | undefined;
}

/** A time that is set is for all servers together: each gets its part of what is left. */
function limitsFor(plan: RequestPlan, until_ms: number, servers_left: number): ExchangeLimits {
  const connect_ms = servers_left > 1 ? CLI_TURN_CONNECT_TIMEOUT_MS : CLI_CONNECT_TIMEOUT_MS;
  const set_ms = plan.answer_timeout_ms;
  if (set_ms === undefined || !isRepeatable(plan)) return { connect_ms, answer_ms: set_ms ?? CLI_ANSWER_TIMEOUT_MS };
  const answer_ms = Math.max(1, Math.ceil((until_ms - performance.now()) / servers_left));
  return { connect_ms: Math.min(connect_ms, answer_ms), answer_ms };
}

/** One server's answer, or the one to turn to in its place: what may be repeated does not stay with a deaf one. */
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
  const after = plan.about_server ? 0 : cluster.position;
  const with_position = after === 0 ? headers : { ...headers, [AFTER_HEADER]: String(after) };
  const until_ms = performance.now() + (plan.answer_timeout_ms ?? 0);
  const silent: string[] = [];
  let refusal: Got | undefined;
  let laggingPosition: number | undefined;
  let next: URL | undefined;
  const servers = cluster.candidates();
  for (const [at, server] of servers.entries()) {
    if (next !== undefined && next !== server) continue;
    next = undefined;
    if (!plan.about_server && !(await isTrusted(cluster, server, plan.signal))) {
      silent.push(`${server.origin}: not well since the log was begun anew`);
      cluster.moveOnFrom(server);
      continue;
    }
    const limits = limitsFor(plan, until_ms, servers.length - at);
    const { done: got, switchTo } = await tryServer(server, servers.slice(at + 1), with_position, plan, limits, send);
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
        const detail = "it may have been carried out, so no other server was asked";
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

/** What a server says of itself and of the log. */
interface ClusterStatus {
  readonly state?: unknown;
  readonly log_last?: unknown;
}

/** Where the log ends, and those servers that are not well and know one that goes on laggingPosition that: another one. */
interface LogEnd {
  readonly end: number;
  readonly onOtherLog: readonly URL[];
}

/**
 * Where the cluster's log ends, as those servers know that are well: one that is cut off from it knows an old end, and
 * one that has halted may know another log. Undefined where none is well; `fallback` where no server says anything of the
 * log.
 */
async function findLogEnd(cluster: Cluster, headers: Headers, fallback: number): Promise<LogEnd | undefined> {
  const limits = { connect_ms: CLI_TURN_CONNECT_TIMEOUT_MS, answer_ms: CLI_LOG_ANSWER_TIMEOUT_MS };
  const plan = { method: "GET", path: "/api/cluster" };
  const answers = await Promise.all(cluster.servers.map((server) => exchange(server, headers, plan, limits)));
  const ends = answers.flatMap((answer, at) => {
    const text = answer instanceof NoAnswer || answer.status !== STATUSES.OK.http ? "" : answer.body.toString("utf8");
    const parsed = isJson(text) ? (JSON.parse(text) as ClusterStatus | null) : null;
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
 * Forgets a position that no server gets to because the log ends before it: the cluster was begun anew. Whether it was
 * forgotten; a cluster that only lags gets there by itself.
 */
async function resetLostPosition(cluster: Cluster, headers: Headers, fallback: number): Promise<boolean> {
  const { position } = cluster;
  const log = await findLogEnd(cluster, headers, fallback);
  if (log === undefined || log.end >= position) return false;
  const { end, onOtherLog } = log;
  warn(
    `the cluster's log ends at ${end}, before ${position}, which was seen earlier: it was begun anew, or is another`,
  );
  cluster.resetPosition(end, onOtherLog);
  return true;
}

/** The first answer that settles it; else the last refusal, or the failure that names who did not answer and why. */
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
