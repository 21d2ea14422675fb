/**
 * Tests foreign messages and damaged entries in a cluster's log. Every node skips them, reports them, and continues
 * with the entries of nodes. So do a node that restarts and one that joins, which skips foreign snapshots too. Runs
 * with NATS and with PostgreSQL.
 */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import t, { type Test } from "tap";
import { must } from "../../src/base/assert.js";
import { originOf } from "../../src/cluster/entry.js";
import { openLogAt } from "../../src/cluster/log/choose.js";
import { connectNats } from "../../src/cluster/log/nats-connection.js";
import { logSubject } from "../../src/cluster/log/nats-stream.js";
import { CLUSTER_NAME, TestCluster, type TestNode, until } from "../support/cluster.js";
import { send } from "../support/http-client.js";
import { inChunks } from "../support/log-contract.js";
import { readMetric } from "../support/metrics.js";
import { natsMissing } from "../support/nats-server.js";
import { postgresMissing } from "../support/postgres-server.js";

const METRIC = "koor_cluster_foreign_entries_total";
const WARNINGS = [/the log has messages that no node has appended/, /entries of the log are damaged/] as const;

function headersOf(members: Readonly<Record<string, string>>, code = 0): MsgHdrs {
  const made = code === 0 ? headers() : headers(code, "somebody's");
  for (const [name, value] of Object.entries(members)) made.set(name, value);
  return made;
}

/** Messages that may be in a log by mistake, and damaged entries, as bytes. */
function foreignBytes(entry: Uint8Array): readonly Uint8Array[] {
  const [damaged, otherFormat] = [entry.byteLength >> 1, entry.byteLength - 1].map((at) => {
    const flipped = Uint8Array.from(entry);
    flipped[at] = (flipped[at] ?? 0) ^ 64;
    return flipped;
  }) as [Uint8Array, Uint8Array];
  return [
    Buffer.alloc(0),
    Buffer.from("hello, world"),
    Buffer.from('{"f":1,"h":[1,"a",1,1,1,1,""],"c":{"kind":"beat"}}'),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([0, 0, 0, 2, 0x7b, 0x7d]),
    Buffer.alloc(900_000, "KoorLog\x01"),
    entry.subarray(0, -1),
    entry.subarray(1),
    damaged,
    otherFormat,
    Buffer.concat([entry, entry.subarray(0, 9)]),
  ];
}

/** The newest entry that a node has appended to the log. */
async function entryOf(cluster: TestCluster): Promise<Uint8Array> {
  const log = await openLogAt({ url: cluster.logUrl, name: CLUSTER_NAME, credentials: "" });
  const session = must(await log.open({ entry: () => undefined, lost: () => undefined }), "there is a log");
  try {
    for (let id = session.status.last; id > 0; id--) {
      const entry = await session.read(id);
      if (entry !== null && originOf(entry) === "node") return entry;
    }
    throw new Error("the log has no entry");
  } finally {
    await session.close();
  }
}

/** Stores two invalid snapshots that are newer than the cluster's. */
async function putForeignSnapshots(cluster: TestCluster): Promise<void> {
  const { snapshots } = await openLogAt({ url: cluster.logUrl, name: CLUSTER_NAME, credentials: "" });
  const { generation } = must((await snapshots.list())[0], "the founder has put one");
  const { log_last } = (await must(cluster.nodes[1], "b").health()).cluster;
  for (const position of [log_last, 999_999_999])
    await snapshots.put({ position, generation }, inChunks(Buffer.alloc(100_000, "no database")));
}

async function untilCounted(node: TestNode, count: number): Promise<void> {
  await until(`${node.name} has passed over ${count}`, async () => {
    const found = await readMetric(node.koor.port, METRIC);
    return found >= count && { found };
  });
}

async function checkAll(t: Test, cluster: TestCluster, count: number): Promise<void> {
  for (const node of cluster.running) {
    const { name, koor } = node;
    const key = `from-${name}-${count}`;
    // A node first reads a damaged entry again over a new connection, and refuses writes meanwhile.
    await untilCounted(node, count);
    await node.untilState("ok");
    t.equal((await send(koor.port, "PUT", `/api/state/${key}`, { body: "1" })).status, 200, `${name} writes`);
    t.match(await node.health(), { status: 200, cluster: { state: "ok" } }, `${name} is well`);
    const { warnings } = (await send(koor.port, "GET", "/api/cluster")).json<{ readonly warnings: string[] }>();
    for (const warning of WARNINGS) {
      t.equal(warnings.filter((text) => warning.test(text)).length, 1, `${name} warns: ${warning}`);
      await koor.logged(warning);
      t.equal(koor.log().split(warning).length, 2, "once");
    }
  }
  const digests = await cluster.digests();
  t.equal(new Set(digests.values()).size, 1, "all hold the same");
}

async function checkLog(t: Test, cluster: TestCluster, disturb: () => Promise<number>): Promise<void> {
  const count = await disturb();
  await checkAll(t, cluster, count);
  const [first, second] = cluster.nodes;
  await must(first, "a").stop("SIGKILL");
  t.equal((await send(must(second, "b").koor.port, "PUT", "/api/state/meanwhile", { body: "1" })).status, 200);
  const again = await disturb();
  await must(first, "a").start();
  await must(first, "a").untilState("ok");
  await putForeignSnapshots(cluster);
  const joined = await cluster.addNode();
  await joined.start();
  await joined.untilState("ok");
  const more = await disturb();
  for (const node of cluster.running) await untilCounted(node, more);
  await checkAll(t, cluster, Math.min(more, again));
}

t.test("a foreign message in NATS", { skip: natsMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "nats", nodes: 2 });
  const { connection, manager } = await connectNats({ url: cluster.logUrl, name: CLUSTER_NAME, credentials: "" });
  t.teardown(() => connection.close());
  const { config, state } = await manager.streams.info(`KOOR_${CLUSTER_NAME}`);
  const subject = must(config.subjects?.[0], "the log has a subject");
  t.equal(subject, logSubject(CLUSTER_NAME, must(config.metadata?.["koor_generation"], "a generation")));
  t.ok(state.messages > 0);
  const publish = async (bytes: Uint8Array, found?: MsgHdrs): Promise<void> => {
    await connection.request(subject, bytes, { timeout: 5_000, ...(found === undefined ? {} : { headers: found }) });
  };
  let batches = 0;
  /** @param of the number of pieces that each message claims; undefined for none */
  const publishBatch = async (pieces: number, of?: string): Promise<void> => {
    const id = `foreign-${++batches}`;
    for (let at = 1; at <= pieces; at++) {
      const found = headersOf({ "Nats-Batch-Id": id, "Nats-Batch-Sequence": String(at) });
      if (of !== undefined) found.set("Koor-Pieces", of);
      if (at === pieces) found.set("Nats-Batch-Commit", "1");
      await publish(Buffer.from(`piece ${at}`), found);
    }
  };
  await checkLog(t, cluster, async () => {
    const entry = await entryOf(cluster);
    for (const bytes of foreignBytes(entry)) await publish(bytes);
    await publish(Buffer.from("text"), headersOf({ "X-Colour": "red" }));
    await publish(Buffer.alloc(0), headersOf({ "X-Colour": "red" }));
    for (const code of [100, 404, 409, 503]) await publish(Buffer.from("a status"), headersOf({}, code));
    await publishBatch(1);
    await publishBatch(3);
    await publishBatch(2, "5");
    await publishBatch(3, "2");
    await publishBatch(2, "no number");
    return foreignBytes(entry).length + 6 + 1 + 3 + 1 + 2 + 2;
  });
});

t.test("a foreign row in PostgreSQL", { skip: postgresMissing() }, async (t) => {
  const cluster = await TestCluster.start(t, { log: "postgres", nodes: 2 });
  const postgres = must(cluster.postgres, "the log");
  await checkLog(t, cluster, async () => {
    const rows = foreignBytes(await entryOf(cluster));
    for (const bytes of rows)
      await postgres.sql(
        `WITH head AS (UPDATE koor.log_head SET seq = seq + 1 WHERE name = '${CLUSTER_NAME}' RETURNING seq)
         INSERT INTO koor.log_entry SELECT '${CLUSTER_NAME}', seq, '\\x${Buffer.from(bytes).toString("hex")}' FROM head`,
      );
    // At the next position of the log, and far from it, without a notification.
    for (const ahead of [1, 1_000_000])
      await postgres.sql(
        `INSERT INTO koor.log_entry SELECT name, seq + ${ahead}, 'not an entry' FROM koor.log_head
         WHERE name = '${CLUSTER_NAME}' ON CONFLICT DO NOTHING`,
      );
    return rows.length;
  });
});
