/**
 * Tests nodes that install a snapshot: one that was down until the log was trimmed past its position, and a new one
 * whose fetch is interrupted.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { LOG_ANSWER_MS_MAX } from "../../schemas/limits/ordered-log.js";
import { must } from "../../src/base/assert.js";
import { openLogAt } from "../../src/cluster/log/choose.js";
import { CLUSTER_NAME, pause, TestCluster, until } from "../support/cluster.js";
import { ClusterWork } from "../support/cluster-work.js";
import { send } from "../support/http-client.js";
import { natsMissing } from "../support/nats-server.js";

/** Together more log than triggers a snapshot (SNAPSHOT_LOG_BYTES). */
const VALUES = 18;
const VALUE = Buffer.alloc(4 * 1024 * 1024, "x");

t.test("nodes join behind a trimmed log", { skip: natsMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats" });
  const [a, , c] = cluster.nodes;
  if (a === undefined || c === undefined) throw new Error("three nodes");
  await c.stop("SIGKILL");
  const work = new ClusterWork(cluster.nodes);
  work.start(t, 1);
  for (let at = 0; at < VALUES; at++)
    t.equal(
      (await send(a.koor.port, "PUT", `/api/state/large/${at}`, { body: JSON.stringify(VALUE.toString()) })).status,
      200,
    );
  const log = await openLogAt({ url: cluster.logUrl, name: CLUSTER_NAME, credentials: "" });
  const snapshot = await until("there is a snapshot", async () => {
    const newest = (await log.snapshots.list()).at(-1);
    return newest !== undefined && newest.position > VALUES && newest;
  });
  const session = must(await log.open({ entry: () => undefined, lost: () => undefined }), "there is a log");
  await session.trim(snapshot.position);
  await session.close();
  t.comment(`trimmed up to ${snapshot.position}`);

  await c.start();
  await c.untilState("ok");
  t.equal((await send(c.koor.port, "GET", "/api/state/large/0")).body.byteLength, VALUE.byteLength + 2, "it has all");
  t.comment(`c writes after ${await work.untilWritten(c)} ms`);
  const d = await cluster.addNode();
  const fetched = join(d.dataDir, "join.db");
  const started = d.start();
  await until("d fetches the snapshot", () => (statSync(fetched, { throwIfNoEntry: false })?.size ?? 0) > 0);
  // Longer than the fetch waits for a piece.
  d.stall();
  await pause(LOG_ANSWER_MS_MAX + 1_000);
  d.resume();
  await started;
  await d.untilState("ok");
  t.match(d.log(), /no piece of the snapshot \d+ came/, "it says what it waits for");
  t.equal((await send(d.koor.port, "PUT", "/api/state/joined", { body: "1" })).status, 200);
  t.ok((await d.health()).cluster.position > snapshot.position);
  await work.finish(t, cluster);
});
