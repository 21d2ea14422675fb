/**
 * Kills a server in the middle of a restore: while it receives the snapshot, and while the writer copies it. The next
 * server has nothing of it or all of it, and can restore it (again).
 */
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { sampleRows } from "../support/test-size.js";
import { send } from "../support/http-client.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";
import { makeSnapshot, readSnapshot } from "../support/snapshot.js";

/** The parts of the copy that are in the log when the server is killed: from its first page to its last. */
const PARTS = sampleRows([0, 0.3, 0.7, 0.95, 1.01], 2);
const KEYS = 400;
const VALUE_BYTES = 40_000;

const snapshot = makeSnapshot(
  Array.from({ length: KEYS }, (_, at) => ({
    kind: "state",
    key: `k${String(at).padStart(4, "0")}`,
    version: 1,
    content_type: "text/plain",
    updated_at: "2026-02-09T14:30:00.000Z",
    updated_by: "",
    encoding: "base64",
    value: randomBytes(VALUE_BYTES).toString("base64"),
  })),
);

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The number of keys; the rest is a snapshot like any other. */
async function countKeys({ port }: Koor): Promise<number> {
  return readSnapshot((await send(port, "GET", "/api/backup")).text).filter(({ kind }) => kind === "state").length;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

t.test("a server that is killed while it receives the snapshot has nothing of it", async (t) => {
  const dataDir = makeDirectory(t);
  const staging = join(dataDir, "restore.db");
  const koor = await startKoor(t, { data_dir: dataDir });
  async function* half(): AsyncGenerator<string> {
    yield snapshot.slice(0, snapshot.length >> 1);
    await until(() => koor.process.exitCode !== null || koor.process.signalCode !== null);
  }
  const lost = send(koor.port, "POST", "/api/restore", { chunks: half() }).catch(() => null);
  await until(() => sizeOf(staging) > VALUE_BYTES);
  await koor.stop("SIGKILL");
  await lost;
  t.ok(existsSync(staging), "the restore was in progress");
  const next = await startKoor(t, { data_dir: dataDir });
  t.notOk(existsSync(staging), "the next start removes it");
  t.equal(await countKeys(next), 0);
  t.equal((await send(next.port, "POST", "/api/restore", { body: snapshot })).status, 200);
  t.equal(await countKeys(next), KEYS);
});

t.test("a server that is killed while the writer copies the snapshot has nothing of it or all", async (t) => {
  const outcomes = new Set<number>();
  for (const part of PARTS) {
    const dataDir = makeDirectory(t);
    const log = join(dataDir, "data.db-wal");
    const koor = await startKoor(t, { data_dir: dataDir });
    const before = sizeOf(log);
    let answered = false;
    const asked = send(koor.port, "POST", "/api/restore", { body: snapshot }).then(
      () => {
        answered = true;
      },
      () => undefined,
    );
    await until(() => answered || sizeOf(log) > before + part * KEYS * VALUE_BYTES);
    await koor.stop("SIGKILL");
    await asked;
    const next = await startKoor(t, { data_dir: dataDir });
    const keys = await countKeys(next);
    outcomes.add(keys);
    t.ok(keys === 0 || keys === KEYS, `at ${part}: ${keys} keys`);
    if (answered) t.equal(keys, KEYS, "an acknowledged restore is there");
    const again = await send(next.port, "POST", "/api/restore", { body: snapshot });
    t.equal(again.status, keys === 0 ? 200 : 409);
    t.equal(await countKeys(next), KEYS);
    t.equal(
      (await send(next.port, "PUT", "/api/state/k0000", { body: "x" })).json<{ readonly version: number }>().version,
      2,
    );
    await next.stop("SIGKILL");
  }
  t.comment(`outcomes: ${[...outcomes].join(", ")}`);
});
