/**
 * Tests that databases of earlier versions are opened: a server starts on each of them, says of its contents what the
 * earlier version said, and works on with it. An earlier version refuses a newer database by one line.
 * test/upgrade/write-database.ts writes the databases.
 */
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { VERSION } from "../schemas/version.js";
import { openDatabase } from "../src/platform/store/sqlite/choice.js";
import { LAYOUT_VERSION } from "../src/platform/store/migrate.js";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory, runKoor, startKoor } from "./support/server-process.js";
import { shiftedClock } from "./support/shifted-clock.js";
import { longFormOnly } from "./support/test-size.js";
import { findEmpty } from "./upgrade/contents.js";
import { TOKEN } from "./upgrade/fill-database.js";
import { makeDatabase } from "./upgrade/make-database.js";

/** This file runs from dist/tree/test. */
const FOLDER = fileURLToPath(new URL("../../../test/upgrade", import.meta.url));
const VERSIONS = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const DATABASE = "data.db";

type Line = Readonly<Record<string, unknown>>;

/** The records of a backup by their identity: the kind, and the members that name the record. */
function recordsOf(backup: string): Map<string, Line> {
  const lines = backup
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const counts = new Map<unknown, number>();
  return new Map(
    lines.slice(1, -1).map((line) => {
      const at = counts.get(line["kind"]) ?? 0;
      counts.set(line["kind"], at + 1);
      return [`${String(line["kind"])} ${at}`, line];
    }),
  );
}

/** Members that changed after the backup: deliveries are tried again, and a stop writes when agents were last seen. */
const CHANGING = new Set(["fail_count", "last_error", "last_failure_at", "last_seen"]);

function withoutChanging(record: Line): Line {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !CHANGING.has(name)));
}

/** How far the time at which a database was written is ahead: later on leases would have ended, for example. */
function aheadOf(backup: string): number {
  const { created_at: createdAt } = JSON.parse(backup.slice(0, backup.indexOf("\n"))) as {
    readonly created_at: string;
  };
  return Date.parse(createdAt) - Date.now();
}

function readStored(version: string, name: string): Buffer {
  return gunzipSync(readFileSync(join(FOLDER, version, `${name}.gz`)));
}

t.test("databases of earlier versions are opened", async (t) => {
  t.ok(VERSIONS.length > 0);
  for (const version of VERSIONS) {
    const dataDir = makeDirectory(t);
    writeFileSync(join(dataDir, DATABASE), readStored(version, DATABASE));
    const backup = readStored(version, "backup.ndjson").toString("utf8");
    const env = { KOOR_AUTH_TOKEN: TOKEN, ...shiftedClock(t, aheadOf(backup)) };
    const koor = await startKoor(t, { data_dir: dataDir, env });
    const before = recordsOf(backup);
    const after = recordsOf((await send(koor.port, "GET", "/api/backup", { headers: BEARER })).text);
    t.ok(before.size > 50, `${version}: ${before.size} records`);
    for (const [name, record] of before) t.match(after.get(name), withoutChanging(record), `${version}: ${name}`);

    const plan = await send(koor.port, "GET", "/api/state/plan/build", { headers: BEARER });
    t.match(plan, { status: 200, text: '{"step":1}' });
    const put = await sendJson(koor.port, "PUT", "/api/state/plan/build", { step: 5 }, BEARER);
    t.match(put.json(), { version: 5 }, `${version}: versions go on`);
    const done = await sendJson(koor.port, "POST", "/api/events/publish", { topic: "a", data: 1 }, BEARER);
    t.equal(done.status, 200, `${version}: events go on`);
    // The first rows of the newer databases are of a server whose clock was ahead.
    t.same(
      koor.complaints().filter((line) => !line.includes("stored times are ahead of the machine's clock")),
      [],
    );
    t.equal(await koor.stop(), 0);
    const db = openDatabase(join(dataDir, DATABASE), { readonly: true });
    t.equal(db.pragma("integrity_check", { simple: true }), "ok", `${version}: the file is whole`);
    t.equal(db.pragma("user_version", { simple: true }), LAYOUT_VERSION, `${version}: it has the newest layout`);
    db.close();
  }
});

t.test("the database of this version has a row in every table, and a value in every column", (t) => {
  const [, newest = ""] = /^## \[(.*?)\]/m.exec(readFileSync(join(FOLDER, "../../CHANGELOG.md"), "utf8")) ?? [];
  t.ok(newest === "Unreleased" || newest === VERSION, "the newest section of the changelog");
  t.ok(VERSIONS.includes(VERSION), `test/upgrade has ${VERSION}`);
  const path = join(makeDirectory(t), DATABASE);
  writeFileSync(path, readStored(VERSION, DATABASE));
  const db = openDatabase(path);
  t.same(findEmpty(db), []);
  // Until a version is released, its database is written again where the layout changes.
  if (newest === VERSION)
    t.equal(
      db.pragma("user_version", { simple: true }),
      LAYOUT_VERSION,
      "write the database again (test/upgrade/write-database.ts); after a release, begin [Unreleased] in CHANGELOG.md",
    );
  db.close();
  t.end();
});

t.test("a database that this program makes has a row in every table", { skip: longFormOnly() }, async (t) => {
  const { dataDir } = await makeDatabase(t);
  const db = openDatabase(join(dataDir, DATABASE));
  t.same(findEmpty(db), [], "the next release needs them: test/upgrade/fill-database.ts");
  db.close();
});

t.test("a program refuses the database of a newer one by one line, and leaves it as it is", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  t.equal(await koor.stop(), 0);
  const path = join(dataDir, DATABASE);
  const db = openDatabase(path);
  db.pragma(`user_version = ${LAYOUT_VERSION + 1}`);
  db.close();
  const copy = join(makeDirectory(t), DATABASE);
  copyFileSync(path, copy);
  const ended = await runKoor(["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", dataDir], dataDir);
  t.equal(ended.code, 1);
  const layouts = `layout ${LAYOUT_VERSION + 1}, this one knows ${LAYOUT_VERSION}`;
  t.equal(ended.stderr, `koor-server: database ${path} was made by a newer koor (${layouts})\n`);
  t.ok(readFileSync(path).equals(readFileSync(copy)), "the file is as it was");
});
