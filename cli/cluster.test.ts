/** Which server of a cluster is asked next, and the newest position, with another process beside this one. */
import t from "tap";

import { CLI_SERVER_KEPT_MS } from "../schemas/limits.js";
import { Cluster, parsePosition, type Memory } from "./cluster.js";

const [A, B, C] = [new URL("http://a"), new URL("http://b"), new URL("http://c")];

async function setUp(memory?: Memory) {
  const kept = { memory };
  const store = {
    read: () => kept.memory,
    write: (written: Memory) => {
      kept.memory = written;
    },
  };
  const cluster = new Cluster([A, B, C], () => Promise.resolve(store));
  await cluster.open();
  return { cluster, kept };
}

t.test("the next one is asked when one is left, once for all calls that were at it", async (t) => {
  const { cluster } = await setUp();
  t.same(cluster.inTurn(), [A, B, C]);
  cluster.leave(A);
  cluster.leave(A);
  t.same(cluster.inTurn(), [B, C, A]);
  cluster.leave(B);
  cluster.leave(C);
  t.equal(cluster.current, A);
});

t.test("positions only grow, by whichever process, until one is forgotten", async (t) => {
  const { cluster, kept } = await setUp();
  t.equal(cluster.position, 0);
  cluster.hear(A, undefined);
  t.equal(kept.memory, undefined, "nothing to remember");
  cluster.hear(A, 5);
  cluster.hear(A, 4);
  t.same(kept.memory, { position: 5 });
  kept.memory = { position: 9 };
  t.equal(cluster.position, 9);
  cluster.hear(A, 7);
  t.same(kept.memory, { position: 9 }, "another's newer one stays");
  cluster.forget(2, []);
  t.same([cluster.position, kept.memory], [2, { position: 2 }]);
});

t.test("a server that took the place of others is the next command's, for a while", async (t) => {
  const { cluster, kept } = await setUp();
  cluster.leave(A);
  cluster.hear(B, 1);
  t.match(kept.memory, { position: 1, begin: { server: "http://b/" } });
  const { begin } = kept.memory ?? {};
  t.equal((await setUp(kept.memory)).cluster.current, B);
  for (const [server, until_ms] of [
    ["http://b/", 0],
    ["http://b/", Date.now() + 2 * CLI_SERVER_KEPT_MS],
    ["http://other/", begin?.until_ms ?? 0],
  ] as const)
    t.equal((await setUp({ position: 1, begin: { server, until_ms } })).cluster.current, A, server);
});

t.test("a position is a whole number", (t) => {
  t.same(["0", "120", "", "-1", "1.0", "9".repeat(16), undefined, ["1", "2"]].map(parsePosition), [
    0,
    120,
    ...Array.from({ length: 6 }, () => undefined),
  ]);
  t.end();
});
