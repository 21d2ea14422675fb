/** Tests the health checks of servers. Also tests when a waiting client switches to another server. */
import t, { type Test } from "tap";

import { findDeadServer } from "../test/cli/fake-cluster.js";
import { FakeServer, replyError, replyJson, type Reply } from "../test/cli/fake-server.js";
import { Cluster } from "./cluster.js";
import { isTrusted, runWatched } from "./server-health.js";

const WELL = replyJson({ status: "ok" });

function unwell(state: string): Reply {
  return replyJson({ status: "unwell", cluster: { state } }, 503);
}

async function startNode(t: Test, health: Reply) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const node = { url: new URL(fake.url), health, looks: 0, onLook: (_looks: number): void => undefined };
  fake.answer = ({ url }) => {
    if (url !== "/health") return replyError(404, "not found");
    node.looks += 1;
    node.onLook(node.looks);
    return node.health;
  };
  return node;
}

/** Waits until the signal fires. */
async function waitForEnd(signal: AbortSignal): Promise<string> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return "ended";
}

t.test("an isolated server is left for a healthy one, once there is one", async (t) => {
  for (const state of ["halted", "cut_off"]) {
    const [own, ill, other] = [
      await startNode(t, unwell(state)),
      await startNode(t, unwell("catching_up")),
      await startNode(t, unwell(state)),
    ];
    other.onLook = (looks) => {
      if (looks === 3) other.health = WELL;
    };
    const dead = new URL(await findDeadServer());
    const watched = await runWatched(own.url, [dead, ill.url, other.url], undefined, waitForEnd, 1);
    t.same(watched, { done: "ended", switchTo: other.url }, state);
    t.equal(other.looks, 3);
  }
});

t.test("a server that is healthy, lagging or does not report its state is not left", async (t) => {
  const other = await startNode(t, WELL);
  for (const health of [
    WELL,
    unwell("catching_up"),
    replyJson({ status: "draining" }, 503),
    replyError(503, "x"),
    "close",
  ])
    await t.test(JSON.stringify(health), async (t) => {
      const own = await startNode(t, health as Reply);
      const stop = new AbortController();
      own.onLook = (looks) => {
        if (looks === 3) stop.abort();
      };
      const watched = await runWatched(own.url, [other.url], stop.signal, waitForEnd, 1);
      t.same(watched, { done: "ended", switchTo: undefined });
      t.equal(own.looks, 3);
    });
  t.equal(other.looks, 0);
});

t.test("nothing is checked without another server, and no check outlives the work", async (t) => {
  const own = await startNode(t, unwell("halted"));
  const stop = new AbortController();
  stop.abort();
  t.match(await runWatched(own.url, [], stop.signal, waitForEnd, 1), { switchTo: undefined });
  t.match(await runWatched(own.url, [own.url], undefined, () => Promise.resolve(1)), { done: 1 });
  await t.rejects(runWatched(own.url, [own.url], undefined, () => Promise.reject(new Error("no"))));
  t.equal(own.looks, 0);
});

t.test("an untrusted server may be asked when it is healthy", async (t) => {
  const node = await startNode(t, unwell("halted"));
  const cluster = new Cluster([node.url, new URL("http://b")], () => Promise.resolve(undefined));
  t.equal(await isTrusted(cluster, node.url), true);
  t.equal(node.looks, 0);
  cluster.recordAnswer(node.url, 9);
  cluster.resetPosition(3, [node.url]);
  cluster.recordAnswer(node.url, 9);
  t.equal(cluster.position, 3, "its report of the log is stale");
  t.equal(await isTrusted(cluster, node.url), false);
  node.health = WELL;
  t.equal(await isTrusted(cluster, node.url), true);
  t.equal(cluster.isUntrusted(node.url), false);
});
