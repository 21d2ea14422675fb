/**
 * Measures how long no write succeeds after the death of a server. It kills the leader of Koor's nodes, or the NATS
 * server that leads the log's stream, and then sends writes to every remaining node until each has stored one. Runs in
 * the bench process.
 */
import { request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.js";
import { keyOf, VALUE } from "../load/requests.js";
import { WRITES_AGAIN_MS_MAX } from "../settings.js";
import { askHealth, type KoorNode } from "../targets/koor-node.js";

/** The interval between two attempts to write. */
const PROBE_INTERVAL_MS = 20;
const HEALTH_INTERVAL_MS = 50;

/** Sends one write. Resolves to whether the write was stored. */
function put(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path: `/api/state/${keyOf(0)}`,
      method: "PUT",
      agent: false,
      headers: { "Content-Type": "application/json", "Content-Length": VALUE.length },
    });
    request.on("response", (response) => {
      response.resume();
      response.on("error", () => resolve(false));
      response.on("end", () => resolve(response.statusCode === 200));
    });
    request.on("error", () => resolve(false));
    request.end(VALUE);
  });
}

/**
 * Resolves when a node has stored a write that was sent after this call. Writes that were sent earlier do not count.
 */
function writeUntilStored({ port, name }: KoorNode): Promise<void> {
  const deadline = performance.now() + WRITES_AGAIN_MS_MAX;
  return new Promise((resolve, reject) => {
    const probe = (): void => {
      if (performance.now() > deadline) {
        clearInterval(timer);
        reject(new Error(`${name} did not write within ${WRITES_AGAIN_MS_MAX} ms`));
        return;
      }
      void put(port).then((stored) => {
        if (!stored) return;
        clearInterval(timer);
        resolve();
      });
    };
    const timer = setInterval(probe, PROBE_INTERVAL_MS);
    probe();
  });
}

/** Resolves to the leader as soon as one of `nodes` is leader. */
export async function findLeader(nodes: readonly KoorNode[]): Promise<KoorNode> {
  const deadline = performance.now() + WRITES_AGAIN_MS_MAX;
  for (;;) {
    const healths = await Promise.all(nodes.map(askHealth));
    const leaders = new Set(healths.map((health) => (health?.state === "ok" ? health.leader : "")));
    const leader = leaders.size === 1 ? nodes.find(({ node }) => leaders.has(node)) : undefined;
    if (leader !== undefined) return leader;
    if (performance.now() > deadline) throw new Error(`no node was leader within ${WRITES_AGAIN_MS_MAX} ms`);
    await delay(HEALTH_INTERVAL_MS);
  }
}

export interface Death {
  /** The time until each remaining node has stored a write. */
  readonly writes_again_ms: number;
  /** The time until the remaining nodes agree on a leader. */
  readonly leads_again_ms: number;
}

/**
 * Kills a server and measures both times of the recovery.
 * @param kill kills the server; must have sent the signal when it returns
 */
export async function measureDeath(bench: Bench, left: readonly KoorNode[], kill: () => void): Promise<Death> {
  bench.progress(`writes after a death, ${left.length} nodes left`);
  const startedMs = performance.now();
  const since = async (work: Promise<unknown>): Promise<number> => {
    await work;
    return performance.now() - startedMs;
  };
  kill();
  const [writesAgainMs, leadsAgainMs] = await Promise.all([
    since(Promise.all(left.map(writeUntilStored))),
    since(findLeader(left)),
  ]);
  return { writes_again_ms: writesAgainMs, leads_again_ms: leadsAgainMs };
}
