/** Tests the choice of the next server of a cluster and the stored log position, while another process changes both. */
import t from "tap";

import { CLI_SERVER_KEPT_MS } from "../schemas/limits/cli.js";
import { Cluster, parsePosition, type ClientState } from "./cluster.js";

const [A, B, C] = [new URL("http://a"), new URL("http://b"), new URL("http://c")];

async function setUp(state?: ClientState) {
  const saved = { state };
  const store = {
    read: () => saved.state,
    write: (written: ClientState) => {
      saved.state = written;
    },
  };
  const cluster = new Cluster([A, B, C], () => Promise.resolve(store));
  await cluster.open();
  return { cluster, saved };
}

t.test("the next server is asked after a failure, once for all calls that used the failed one", async (t) => {
  const { cluster } = await setUp();
  t.same(cluster.candidates(), [A, B, C]);
  cluster.moveOnFrom(A);
  cluster.moveOnFrom(A);
  t.same(cluster.candidates(), [B, C, A]);
  cluster.moveOnFrom(B);
  cluster.moveOnFrom(C);
  t.equal(cluster.current, A);
});

t.test("positions only grow, in every process, until one is forgotten", async (t) => {
  const { cluster, saved } = await setUp();
  t.equal(cluster.position, 0);
  cluster.recordAnswer(A, undefined);
  t.equal(saved.state, undefined, "there is nothing to store");
  cluster.recordAnswer(A, 5);
  cluster.recordAnswer(A, 4);
  t.same(saved.state, { position: 5 });
  saved.state = { position: 9 };
  t.equal(cluster.position, 9);
  cluster.recordAnswer(A, 7);
  t.same(saved.state, { position: 9 }, "a newer position of another process stays");
  cluster.resetPosition(2, []);
  t.same([cluster.position, saved.state], [2, { position: 2 }]);
});

t.test("the next command starts with the server that replaced a failed one, for a while", async (t) => {
  const { cluster, saved } = await setUp();
  cluster.moveOnFrom(A);
  cluster.recordAnswer(B, 1);
  t.match(saved.state, { position: 1, begin: { server: "http://b/" } });
  const { begin } = saved.state ?? {};
  t.equal((await setUp(saved.state)).cluster.current, B);
  for (const [server, untilMs] of [
    ["http://b/", 0],
    ["http://b/", Date.now() + 2 * CLI_SERVER_KEPT_MS],
    ["http://other/", begin?.until_ms ?? 0],
  ] as const)
    t.equal((await setUp({ position: 1, begin: { server, until_ms: untilMs } })).cluster.current, A, server);
});

t.test("a position is a whole number", (t) => {
  t.same(["0", "120", "", "-1", "1.0", "9".repeat(16), undefined, ["1", "2"]].map(parsePosition), [
    0,
    120,
    ...Array.from({ length: 6 }, () => undefined),
  ]);
  t.end();
});
