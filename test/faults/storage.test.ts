/**
 * Tests a database that is damaged, removed or replaced under the server: `/health` reports it with the reason within
 * seconds, on both ports, and so do the log and the dashboard. No write is acknowledged that would be lost, and a fault
 * that can be repaired is over afterwards.
 */
import { closeSync, copyFileSync, cpSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { send, sendJson, type Refusal } from "../support/http-client.js";
import { readMetric } from "../support/metrics.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "../support/server-process.js";

const PAGE_BYTES = 4096;
/** Enough pages that SQLite moves them from its log into the database. */
const VALUES = 400;
const VALUE = Buffer.alloc(16_000, "x");

interface Health {
  readonly status: string;
  readonly reason?: string;
}

async function health(port: number): Promise<Health & { readonly code: number }> {
  const answer = await send(port, "GET", "/health");
  return { ...answer.json<Health>(), code: answer.status };
}

/** Asks until the server's health is as expected: the server checks it every second. */
async function untilHealth(koor: Koor, code: number, reason = /^/): Promise<Health> {
  for (;;) {
    const found = await health(koor.port);
    if (found.code === code && reason.test(found.reason ?? "")) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startFilled(t: Owner): Promise<Koor> {
  const koor = await startKoor(t, {
    args: ["--dashboard-bind", "127.0.0.1:0"],
    cwd: "/",
    data_dir: join(makeDirectory(t), "data"),
  });
  const keys = Array.from({ length: VALUES }, (_, at) => `/api/state/k${at}`);
  await Promise.all(keys.map((path) => send(koor.port, "PUT", path, { body: VALUE })));
  return koor;
}

/** Writes over pages of a file, as `dd conv=notrunc` does. */
function overwrite(path: string, firstPage: number, bytes: Buffer): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, firstPage * PAGE_BYTES);
  closeSync(file);
}

async function refusesWrites(t: Test, koor: Koor, reason: RegExp): Promise<void> {
  const { status, reason: reported } = await untilHealth(koor, 503, reason);
  t.equal(status, "unwell");
  t.match(await health(koor.dashboardPort), { code: 503, reason: reported }, "the dashboard's port reports it, too");
  const calls = [
    ["PUT", "/api/state/lost", 1],
    ["POST", "/api/events/publish", { topic: "lost" }],
    ["POST", "/api/instances/register", { name: "lost" }],
    ["DELETE", "/api/state/k0", undefined],
  ] as const;
  for (const [method, path, body] of calls) {
    const answer = await sendJson(koor.port, method, path, body);
    t.match([answer.status, answer.json<Refusal>().error], [503, reason], `${method} ${path}`);
  }
  await koor.logged(new RegExp(`level=ERROR msg="the database takes no writes" reason=.*${reason.source}`));
}

async function refusesBackup(t: Test, koor: Koor, reason: RegExp): Promise<void> {
  const answer = await send(koor.port, "GET", "/api/backup");
  t.match([answer.status, answer.json<Refusal>().error], [503, reason], "a backup");
}

t.test("writes are refused while the database is damaged or moved away, and accepted again after it", async (t) => {
  const koor = await startFilled(t);
  const file = join(koor.data_dir, "data.db");
  const aside = join(koor.data_dir, "..", "aside.db");

  renameSync(file, aside);
  await refusesWrites(t, koor, /data\.db was removed while the server used it/);
  renameSync(aside, file);
  await untilHealth(koor, 200);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/kept", 1)).status, 200);

  // Removing the folder once ended the server, because the metrics look for the WAL in it.
  renameSync(koor.data_dir, `${koor.data_dir}-aside`);
  await refusesWrites(t, koor, /data\.db was removed while the server used it/);
  t.equal(await readMetric(koor.port, "koor_wal_bytes"), 0);
  // The thread of a backup opens the database only now. It once answered 500.
  await refusesBackup(t, koor, /data\.db was removed while the server used it/);
  // It once opened what was in the place of the database, and read it until the server ended.
  cpSync(`${koor.data_dir}-aside`, koor.data_dir, { recursive: true });
  await refusesBackup(t, koor, /data\.db was replaced while the server used it/);
  rmSync(koor.data_dir, { recursive: true });
  renameSync(`${koor.data_dir}-aside`, koor.data_dir);
  t.equal((await send(koor.port, "GET", "/api/backup")).status, 200);
  await untilHealth(koor, 200);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/kept", 1)).status, 200);

  const sound = readFileSync(file);
  overwrite(file, 100, Buffer.alloc(200 * PAGE_BYTES, 0xa5));
  await refusesWrites(t, koor, /it is damaged \(/);
  overwrite(file, 0, sound);
  await untilHealth(koor, 200);
  overwrite(file, 0, Buffer.alloc(PAGE_BYTES));
  await refusesWrites(t, koor, /data\.db was overwritten while the server used it/);
  overwrite(file, 0, sound);
  await untilHealth(koor, 200);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/kept", 2)).status, 200);
  t.equal(await readMetric(koor.port, "koor_writer_restarts_total"), 0);

  // A copy looks the same, and is another file: writes would go to a file that no path leads to.
  copyFileSync(file, aside);
  renameSync(aside, file);
  await refusesWrites(t, koor, /data\.db was replaced while the server used it/);
});

t.test("a directory, a log or a lock that is replaced is noticed", async (t) => {
  const faults: readonly (readonly [name: string, fault: (dataDir: string) => void, reason: RegExp])[] = [
    ["rm -rf", (dataDir) => rmSync(dataDir, { recursive: true }), /data\.db was removed/],
    ["rm data.db-wal", (dataDir) => rmSync(join(dataDir, "data.db-wal")), /data\.db-wal was re(moved|placed)/],
    ["rm koor.lock", (dataDir) => rmSync(join(dataDir, "koor.lock")), /koor\.lock was removed/],
    [
      "a copy of the directory in its place",
      (dataDir) => {
        cpSync(dataDir, `${dataDir}2`, { recursive: true });
        renameSync(dataDir, `${dataDir}1`);
        renameSync(`${dataDir}2`, dataDir);
      },
      /data\.db was replaced/,
    ],
  ];
  await Promise.all(
    faults.map(async ([name, fault, reason]) => {
      const koor = await startKoor(t, {
        args: ["--dashboard-bind", "127.0.0.1:0"],
        data_dir: join(makeDirectory(t), "data"),
        cwd: "/",
      });
      t.equal((await health(koor.port)).code, 200, name);
      fault(koor.data_dir);
      await refusesWrites(t, koor, reason);
    }),
  );
});
