/**
 * Tests the pages of the audit log, filtered by actor, action and time. The rows of a page must be those that a simple
 * filter over all rows finds. The log has many spans.
 */
import t from "tap";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { migrate } from "../../platform/store/migrate.js";
import { openWriter } from "../../platform/store/open.js";
import { AuditAppender, countByTime, INDEX_SPANS, listEntries, summarizeEntries } from "./table.js";

const ROWS = 3_000;
const ACTORS = ["", "ana", "bob"];
const ACTIONS = ["state.put", "lease.acquire", "task.claim"];

t.test("pages and counts are of the rows that a filter over all rows gives", async (t) => {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  migrate(db);
  const deferred = new WriteBuffer(db);
  const trail = new AuditAppender(db, deferred);
  const rows: { id: number; at: number; actor: string; action: string }[] = [];
  for (let id = 1; id <= ROWS; id++) {
    // One row in a thousand has the rare actor.
    const actor = id % 1_000 === 0 ? "rare" : must(ACTORS[random(ACTORS.length)], "one of them");
    const action = must(ACTIONS[random(ACTIONS.length)], "one of them");
    rows.push({ id, at: id * 10, actor, action });
    trail.append(id * 10, actor, action, "", "{}", "success");
    if (id % 700 !== 0) continue;
    // These rows and the index entries of their spans are rolled back. Afterwards, the appender must add the entries
    // again.
    deferred.write();
    db.exec("BEGIN");
    for (let lost = 0; lost < 600; lost++) trail.append(id * 10, "lost", "lost", "", "{}", "success");
    deferred.write();
    db.exec("ROLLBACK");
    deferred.forget();
    trail.reload();
  }
  deferred.write();
  const check = (): void => {
    for (let round = 0; round < 60; round++) {
      const actor = [null, "rare", "nobody", ...ACTORS][random(6)] ?? null;
      const action = [null, ...ACTIONS][random(4)] ?? null;
      const from = random(2) === 0 ? null : random(ROWS * 10);
      const to = random(2) === 0 ? null : random(ROWS * 10);
      const limit = 1 + random(80);
      const before = random(2) === 0 ? null : 1 + random(ROWS);
      const found = [...listEntries(db, { actor, action, from, to, before, limit })].map(({ id }) => id);
      const matching = rows
        .filter((row) => (actor === null || row.actor === actor) && (action === null || row.action === action))
        .filter(({ at }) => (from === null || at >= from) && (to === null || at <= to));
      const expected = matching
        .filter(({ id }) => before === null || id < before)
        .map(({ id }) => id)
        .toReversed()
        .slice(0, limit);
      const filter = { actor, action, from, to };
      t.same(found, expected, JSON.stringify({ ...filter, limit }));
      t.equal(summarizeEntries(db, filter).total, matching.length);
      const counted = countByTime(db, filter, 20);
      if (matching.length === 0) t.equal(counted, null);
      else {
        const { fromMs, stepMs, success, error } = must(counted, "there are rows");
        const bucketOf = (at: number): number => Math.floor((at - fromMs) / stepMs);
        const wanted = success.map((_, bucket) => matching.filter(({ at }) => bucketOf(at) === bucket).length);
        t.same(success, wanted);
        t.equal(error.length, success.length);
      }
    }
  };
  check();
  t.equal(db.prepare("SELECT 1 FROM audit_span WHERE name = 'lost'").get(), undefined);
  db.exec(INDEX_SPANS);
  check();
});
