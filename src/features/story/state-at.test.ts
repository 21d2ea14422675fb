/**
 * Tests the keys at a past time against a model that copies all keys after each write. In many runs, several writes
 * have the same time, and some keys have more versions than are kept.
 */
import t, { type Test } from "tap";
import { STORY_KEYS_TOGETHER } from "../../../schemas/limits/story.js";
import { VERSION_MARK_INTERVAL } from "../../../schemas/limits/versioned.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { migrate } from "../../platform/store/migrate.js";
import { openWriter, type Db } from "../../platform/store/open.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { AuditAppender } from "../audit/table.js";
import { VersionedWriter } from "../versioned/commands.js";
import { STATE } from "../versioned/space.js";
import { knownSince } from "./known-since.js";
import { StateHistory } from "./state-at.js";

const KEYS = ["a", "a/b", "b", "é", "often"];
const WRITES = 400;
const VALUE = Buffer.from("1");

interface Bench {
  readonly db: Db;
  readonly rows: WriteBuffer;
  readonly trail: AuditAppender;
  put(key: string, atMs: number): number;
  delete(key: string, atMs: number): void;
}

function setUp(t: Test, keep: number): Bench {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  migrate(db);
  const rows = new WriteBuffer(db);
  const trail = new AuditAppender(db, rows);
  const state = new VersionedWriter(db, rows, STATE, keep);
  return {
    db,
    rows,
    trail,
    put: (key, atMs) => {
      const { version } = state.write(key, VALUE, "text/plain", atMs, "");
      trail.append(atMs, "", "state.put", key, "{}", "success");
      return version;
    },
    delete: (key, atMs) => {
      const deleted = state.delete(key, null);
      trail.append(atMs, "", "state.delete", key, "{}", deleted instanceof Failure ? "error" : "success");
    },
  };
}

for (const keep of [0, 100]) {
  t.test(`each time has the keys that there were, with ${keep === 0 ? "all" : keep} versions kept`, (t) => {
    const seed = newSeed();
    t.comment(`seed ${seed}`);
    const random = makeRandom(seed);
    const bench = setUp(t, keep);
    const live = new Map<string, number>();
    const newest = new Map<string, number>();
    /** The model: the version of each key at the end of each millisecond. */
    const model = new Map<number, ReadonlyMap<string, number>>();
    const writtenMs = new Map<string, number>();
    for (let [step, at] = [0, 1_000]; step < WRITES; step++) {
      at += random(3) === 0 ? 1 + random(3) : 0;
      const key = random(2) === 0 ? "often" : must(KEYS[random(KEYS.length)], "one of them");
      if (random(4) === 0) {
        bench.delete(key, at);
        live.delete(key);
      } else {
        const version = bench.put(key, at);
        live.set(key, version);
        newest.set(key, version);
        writtenMs.set(`${key} ${version}`, at);
      }
      model.set(at, new Map(live));
    }
    bench.rows.write();
    t.ok((newest.get("often") ?? 0) > 2 * VERSION_MARK_INTERVAL, "a key has several marks");
    const history = new StateHistory(bench.db, keep);
    let unknown = 0;
    for (const [at, keys] of model) {
      const found = [...history.keys("", "", at)];
      const expected = [...newest].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const shown: unknown[] = [];
      for (const [key, last] of expected) {
        const oldest = keep === 0 ? 1 : Math.max(1, last - keep + 1);
        const keptSinceMs = must(writtenMs.get(`${key} ${oldest}`), "it was written");
        const version = keys.get(key);
        if (oldest > 1 && at < keptSinceMs) shown.push([key, null, keptSinceMs]);
        else if (version !== undefined) shown.push([key, version, null]);
      }
      const listed = found.map(({ key, info, keptSinceMs }) => [key, info?.version ?? null, keptSinceMs]);
      unknown += found.filter(({ info }) => info === null).length;
      t.same(listed, shown, `at ${at}`);
      t.same(
        KEYS.map((key) => history.key(key, at)?.info?.version),
        KEYS.map((key) => found.find((one) => one.key === key)?.info?.version),
        "a single key is as in the list",
      );
    }
    t.equal(unknown > 0, keep > 0, "nothing is known of versions that are not kept");
    t.same(
      [...history.keys("", "", 999)].filter(({ info }) => info !== null),
      [],
      "before the first write",
    );
    const last = Math.max(...model.keys());
    const all = [...history.keys("", "", last)].map(({ key }) => key);
    t.same(
      [...history.keys("a", "a", last)].map(({ key }) => key),
      all.filter((key) => key.startsWith("a") && key > "a"),
      "a prefix, after a key",
    );
    t.end();
  });
}

t.test("a time before a restore, or among times that were ahead of the clock, is refused", (t) => {
  const { db, rows, trail } = setUp(t, 0);
  const ask = (at: number, keptFrom: number | null = null): unknown => {
    rows.write();
    const since = knownSince(db, { at, kept_from: keptFrom });
    return since instanceof Failure ? since.members : since;
  };
  const refused = (ms: number): object => ({ since: new Date(ms).toISOString() });
  t.equal(ask(1), null, "nothing bounds it");
  t.equal(ask(50, 50), 50);
  t.same(ask(49, 50), refused(50));
  trail.append(100, "", "restore", "", "{}", "success");
  trail.append(200, "", "restore", "", "{}", "error");
  t.equal(ask(100, 50), 100, "a restore that failed is none");
  t.same(ask(99, 50), refused(100));
  db.exec("INSERT INTO time_step (name, row, newest) VALUES ('event', 7, 300)");
  t.same(ask(299), refused(300));
  t.equal(ask(300), 300);
  t.end();
});

t.test("however many keys were deleted, the audit log is read a few times", (t) => {
  const bench = setUp(t, 0);
  const count = 4 * STORY_KEYS_TOGETHER;
  for (let n = 0; n < count; n++) bench.put(`k${n}`, 1_000);
  for (let n = 0; n < count; n++) bench.delete(`k${n}`, 2_000 + n);
  bench.put("last", 3_000);
  bench.rows.write();
  let reads = 0;
  const counting = {
    prepare: (sql: string) => {
      if (sql.startsWith("SELECT id, at, actor, action")) reads += 1;
      return bench.db.prepare(sql);
    },
  } as unknown as Db;
  const found = [...new StateHistory(counting, 0).keys("", "", 10_000)];
  t.same(
    found.map(({ key }) => key),
    ["last"],
  );
  t.ok(reads > 0 && reads <= 3, `${reads} reads`);
  t.end();
});
