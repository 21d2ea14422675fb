/**
 * How a server of a cluster says that it is (`/health`), for who chooses among several. One that is halted or cut off
 * still answers reads and keeps subscriptions, and hears of nothing: who waits there would wait for ever. Runs in the
 * command line's process. Leaves the choice of the server to cluster.ts and those who ask.
 */
import { CLI_HEALTH_INTERVAL_MS, CLI_LOG_ANSWER_TIMEOUT_MS, CLI_TURN_CONNECT_TIMEOUT_MS } from "../schemas/limits.js";
import { STATUSES } from "../schemas/status.js";
import type { Cluster } from "./cluster.js";
import { exchange, NoAnswer } from "./exchange.js";
import { isJson } from "./json-text.js";
import { pause } from "./pause.js";

/** `deaf`: it hears of nothing new until somebody mends it or its log. `unclear`: silent, starting, behind. */
type Health = "healthy" | "isolated" | "unknown";

const ISOLATED_STATES: ReadonlySet<unknown> = new Set(["cut_off", "halted"]);
const LIMITS = { connect_ms: CLI_TURN_CONNECT_TIMEOUT_MS, answer_ms: CLI_LOG_ANSWER_TIMEOUT_MS };

async function askHealth(server: URL, signal?: AbortSignal): Promise<Health> {
  const plan = { method: "GET", path: "/health", ...(signal === undefined ? {} : { signal }) };
  const answer = await exchange(server, {}, plan, LIMITS);
  if (answer instanceof NoAnswer) return "unknown";
  if (answer.status === STATUSES.OK.http) return "healthy";
  const text = answer.body.toString("utf8");
  const health = isJson(text) ? (JSON.parse(text) as { readonly cluster?: { readonly state?: unknown } } | null) : null;
  return answer.status === STATUSES.UNAVAILABLE.http && ISOLATED_STATES.has(health?.cluster?.state)
    ? "isolated"
    : "unknown";
}

/** Whether a server may be asked: one that is doubted, only when it is healthy again. */
export async function isTrusted(cluster: Cluster, server: URL, signal?: AbortSignal): Promise<boolean> {
  if (!cluster.isUntrusted(server)) return true;
  if ((await askHealth(server, signal)) !== "healthy") return false;
  cluster.trust(server);
  return true;
}

/** One of the others that is healthy, once the server is deaf; undefined where the signal ends it before. */
async function untilIsolated(
  server: URL,
  others: readonly URL[],
  signal: AbortSignal,
  interval_ms: number,
): Promise<URL | undefined> {
  while (!signal.aborted) {
    await pause(interval_ms, signal);
    if (signal.aborted || (await askHealth(server, signal)) !== "isolated") continue;
    const healths = await Promise.all(others.map((other) => askHealth(other, signal)));
    const healthy = others[healths.indexOf("healthy")];
    if (healthy !== undefined) return healthy;
  }
  return undefined;
}

/**
 * Has `work` done at a server, and looks how that one is for as long as it takes. It is ended where `signal` says so,
 * or where the server is deaf and another one is healthy.
 * @returns what it came to, and the server to turn to where it was ended for that one
 */
export async function runWatched<Result>(
  server: URL,
  others: readonly URL[],
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
  interval_ms = CLI_HEALTH_INTERVAL_MS,
): Promise<{ readonly done: Result; readonly switchTo: URL | undefined }> {
  const [ended, over] = [new AbortController(), new AbortController()];
  let switchTo: URL | undefined;
  const end = (): void => ended.abort();
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  if (others.length > 0)
    void untilIsolated(server, others, over.signal, interval_ms).then((healthy) => {
      if (healthy === undefined || over.signal.aborted) return;
      switchTo = healthy;
      end();
    });
  try {
    const done = await work(ended.signal);
    return { done, switchTo };
  } finally {
    over.abort();
    signal?.removeEventListener("abort", end);
  }
}
