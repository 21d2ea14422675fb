/** Tests failures of the snapshot thread. In each case, the writer continues and gets the reason. */
import { existsSync, writeFileSync } from "node:fs";
import t from "tap";
import { makeDirectory } from "../../test/support/server-process.js";
import { LogError } from "./log/ordered-log.js";
import { openWriter } from "../platform/store/open.js";
import { joinPath } from "./snapshot-thread.js";
import { Snapshots } from "./snapshots.js";

const POST = "require('node:worker_threads').parentPort.postMessage";

t.test("a failed fetch can be retried", async (t) => {
  const dataDir = makeDirectory(t);
  const db = openWriter(dataDir);
  t.teardown(() => void db.close());
  for (const [program, message] of [
    ["throw new Error('a bug')", /aborted: a bug/],
    ["process.exit(1)", /aborted/],
    [`${POST}({kind: 'failed', fault: 'unsafe', message: 'some of its pieces are missing'})`, /pieces are missing/],
    [`${POST}({kind: 'failed', fault: 'denied', message: 'a right is missing'})`, /a right is missing/],
    [`${POST}({kind: 'none'})`, null],
  ] as const) {
    const script = new URL(`data:text/javascript,import { createRequire } from "node:module";
      const require = createRequire("file:///");${program}`);
    const cluster = { cluster: "", cluster_name: "", node_id: "", cluster_creds: "", cluster_seed: false };
    const hooks = { installing: () => undefined, installed: () => undefined };
    const snapshots = new Snapshots({ db, script, data_dir: dataDir, cluster, ...hooks });
    if (message === null) t.equal(await snapshots.install(1, "g"), false);
    else {
      const failed = await snapshots.install(1, "g").catch((error: unknown) => error);
      t.ok(failed instanceof LogError, program);
      t.match(failed, { fault: "unreachable", message });
    }
  }
});

t.test("a file that is not a snapshot is not installed, and is deleted", async (t) => {
  const dataDir = makeDirectory(t);
  const db = openWriter(dataDir);
  t.teardown(() => void db.close());
  const script = new URL(`data:text/javascript,import { createRequire } from "node:module";
    const require = createRequire("file:///");${POST}({kind: 'fetched', position: 1})`);
  const cluster = { cluster: "", cluster_name: "", node_id: "", cluster_creds: "", cluster_seed: false };
  const snapshots = new Snapshots({
    db,
    script,
    data_dir: dataDir,
    cluster,
    installing: () => undefined,
    installed: () => t.fail("nothing was taken in"),
  });
  writeFileSync(joinPath(dataDir), "not a database");
  await t.rejects(snapshots.install(1, "g"));
  t.notOk(existsSync(joinPath(dataDir)));
});
