/**
 * Checks the health of a cluster's servers (`/health`), so that a command can choose a healthy one. cluster.ts and its
 * callers choose the server.
 * A server is isolated if it is halted or partitioned from the log. An isolated server still answers reads and keeps
 * subscriptions open, but it gets no new data. A client that waits for a change there would wait for ever. Runs in the
 * CLI process.
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
 * The health of a server. An `isolated` server gets no new data until it or its log is repaired. An `unknown` server
 * does not answer, is starting, or lags.
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

/** Returns whether a server may be asked. An untrusted server may be asked only after it has become healthy again. */
export async function isTrusted(cluster: Cluster, server: URL, signal?: AbortSignal): Promise<boolean> {
  if (!cluster.isUntrusted(server)) return true;
  if ((await askHealth(server, signal)) !== "healthy") return false;
  cluster.trust(server);
  return true;
}

/**
 * Watches the server until it is isolated and another server is healthy. Returns the healthy server, or undefined if
 * the signal fires first.
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
 * Runs `work` against a server, and checks the health of the server at the same time. Aborts the work if `signal`
 * fires. Also aborts it if the server is isolated and another one is healthy.
 * @returns the result of the work; and the healthy server, if the work was aborted to switch to it
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
