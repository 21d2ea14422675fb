/**
 * Measures how long nothing can be written after a death: it kills a node that is leader, or a server that leads the
 * log, and writes to every remaining node until it answers. Runs in the bench process.
 */
import { request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.js";
import { keyOf, VALUE } from "../load/requests.js";
import { WRITES_AGAIN_MS_MAX } from "../settings.js";
import { askHealth, type KoorNode } from "../targets/koor-node.js";

/** Interval between two attempts to write. */
const PROBE_INTERVAL_MS = 20;
const HEALTH_INTERVAL_MS = 50;

/** Sends one write; resolves to whether it was stored. */
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

/** Resolves when a write that was sent after this call is stored. Earlier writes do not count. */
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
  /** Resolves when each remaining node has stored a write. */
  readonly writes_again_ms: number;
  /** Resolves when the remaining nodes agree on a leader. */
  readonly leads_again_ms: number;
}

/** Kills, and measures both times. @param kill sends the signal before it returns */
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
