/**
 * Checks the health of a cluster's servers (`/health`). cluster.ts and its callers use it to choose a healthy server.
 * Runs in the CLI process.
 *
 * A server is isolated if it is halted or partitioned from the log. It still answers reads and keeps subscriptions
 * open, but it gets no new data. A client that waits there for a change would wait for ever.
 */
import {
  CLI_HEALTH_INTERVAL_MS,
  CLI_LOG_ANSWER_TIMEOUT_MS,
  CLI_TURN_CONNECT_TIMEOUT_MS,
} from "../schemas/limits/cli.js";
import { STATUSES } from "../schemas/status.js";
import { parseJson } from "../shared/json-text.js";
import type { Cluster } from "./cluster.js";
import { exchange, NoAnswer } from "./exchange.js";
import { pause } from "./pause.js";

/**
 * The health of a server. `isolated`: it gets no new data until it or its log is repaired. `unknown`: it does not
 * answer, is starting, or lags.
 */
type Health = "healthy" | "isolated" | "unknown";

const ISOLATED_STATES: ReadonlySet<unknown> = new Set(["cut_off", "halted"]);
const LIMITS = { connect_ms: CLI_TURN_CONNECT_TIMEOUT_MS, answerMs: CLI_LOG_ANSWER_TIMEOUT_MS };

async function askHealth(server: URL, signal?: AbortSignal): Promise<Health> {
  const plan = { method: "GET", path: "/health", ...(signal === undefined ? {} : { signal }) };
  const answer = await exchange(server, {}, plan, LIMITS);
  if (answer instanceof NoAnswer) return "unknown";
  if (answer.status === STATUSES.OK.http) return "healthy";
  const text = answer.body.toString("utf8");
  const health = parseJson(text) as { readonly cluster?: { readonly state?: unknown } } | null | undefined;
  return answer.status === STATUSES.UNAVAILABLE.http && ISOLATED_STATES.has(health?.cluster?.state)
    ? "isolated"
    : "unknown";
}

/** Whether a request may be sent to a server. An untrusted server must first be healthy again. */
export async function isTrusted(cluster: Cluster, server: URL, signal?: AbortSignal): Promise<boolean> {
  if (!cluster.isUntrusted(server)) return true;
  if ((await askHealth(server, signal)) !== "healthy") return false;
  cluster.trust(server);
  return true;
}

/**
 * Waits until the server is isolated and another server is healthy. Returns the healthy server; undefined if the signal
 * fires first.
 */
async function untilIsolated(
  server: URL,
  others: readonly URL[],
  signal: AbortSignal,
  intervalMs: number,
): Promise<URL | undefined> {
  while (!signal.aborted) {
    await pause(intervalMs, signal);
    if (signal.aborted || (await askHealth(server, signal)) !== "isolated") continue;
    const healths = await Promise.all(others.map((other) => askHealth(other, signal)));
    const healthy = others[healths.indexOf("healthy")];
    if (healthy !== undefined) return healthy;
  }
  return undefined;
}

/**
 * Runs `work` against a server, and checks the server's health meanwhile. Aborts the work if the server is isolated and
 * another one is healthy, or if `signal` fires.
 * @returns `done`: the result of the work. `switchTo`: the healthy server, if the work was aborted because of it
 */
export async function runWatched<Result>(
  server: URL,
  others: readonly URL[],
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
  intervalMs = CLI_HEALTH_INTERVAL_MS,
): Promise<{ readonly done: Result; readonly switchTo: URL | undefined }> {
  const [ended, over] = [new AbortController(), new AbortController()];
  let switchTo: URL | undefined;
  const end = (): void => ended.abort();
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  if (others.length > 0)
    void untilIsolated(server, others, over.signal, intervalMs).then((healthy) => {
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
