/** Tests the idempotency records, on a separate database. */
import t from "tap";
import { REQUEST_MEMORY_MS } from "../../../schemas/limits/idempotency.js";
import { migrate } from "../../platform/store/migrate.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { IdempotencyRecords } from "./records.js";

t.test("a record is found by kind, caller and id, for ten minutes", (t) => {
  const db = openDatabase(":memory:");
  t.teardown(() => db.close());
  migrate(db);
  const records = new IdempotencyRecords(db);
  const count = db.prepare<[], number>("SELECT count(*) FROM remembered_request").pluck();
  records.store("lease", "a", "r1", "lease-1", 1_000);
  records.store("lease", "a", null, "lease-2", 1_000);
  t.equal(count.get(), 1, "a call without an id is not recorded");
  t.equal(records.find("lease", "a", "r1", 1_000), "lease-1");
  for (const [kind, caller, id] of [
    ["task", "a", "r1"],
    ["lease", "b", "r1"],
    ["lease", "a", "r2"],
    ["lease", "a", null],
  ] as const)
    t.equal(records.find(kind, caller, id, 1_000), undefined);
  t.equal(records.find("lease", "a", "r1", 999 + REQUEST_MEMORY_MS), "lease-1");
  t.equal(records.find("lease", "a", "r1", 1_000 + REQUEST_MEMORY_MS), undefined);
  records.store("lease", "a", "r1", "lease-3", 1_000 + REQUEST_MEMORY_MS);
  t.equal(records.find("lease", "a", "r1", 1_000 + REQUEST_MEMORY_MS), "lease-3", "stored again");
  records.delete("lease", "a", "lease-3");
  t.equal(records.find("lease", "a", "r1", 1_000 + REQUEST_MEMORY_MS), undefined, "its record was deleted");
  t.end();
});

t.test("a request_id of another request is refused, of whatever kind that was", (t) => {
  const db = openDatabase(":memory:");
  t.teardown(() => db.close());
  migrate(db);
  const records = new IdempotencyRecords(db);
  records.store("lease", "a", "r", "lease-1", 1_000, "hash");
  records.store("lease", "a", "old", "lease-2", 1_000);
  t.equal(records.find("lease", "a", "r", 1_000, "hash"), "lease-1");
  const refusal = { status: "ALREADY_EXISTS", message: "request_id was used for another request" };
  t.match(records.find("lease", "a", "r", 1_000, "other"), refusal);
  t.match(records.find("task", "a", "r", 1_000, "hash"), refusal);
  t.equal(records.find("lease", "b", "r", 1_000, "other"), undefined, "each caller has its own");
  t.equal(records.find("lease", "a", "old", 1_000, "any"), "lease-2", "a record without a hash matches any request");
  t.equal(records.find("task", "a", "r", 1_000 + REQUEST_MEMORY_MS, "hash"), undefined, "for ten minutes");
  t.end();
});

t.test("expired records are deleted, a few with each new one", (t) => {
  const db = openDatabase(":memory:");
  t.teardown(() => db.close());
  migrate(db);
  const records = new IdempotencyRecords(db);
  const count = db.prepare<[], number>("SELECT count(*) FROM remembered_request").pluck();
  for (let at = 0; at < 20; at++) records.store("message", "", `r${at}`, "m", at);
  records.store("message", "", "new", "m", 12 + REQUEST_MEMORY_MS);
  t.equal(count.get(), 17);
  for (let at = 0; at < 5; at++) records.store("message", "", `new${at}`, "m", 12 + REQUEST_MEMORY_MS);
  t.equal(count.get(), 21 - 13 + 5, "those before the twelfth, and no other");
  t.end();
});
