/** Tests the limits on the number and the age of stored records, with a real database. */
import t from "tap";
import type { RecordEvidenceRequest } from "../../../schemas/evidence.js";
import { EVIDENCE_MAX, EVIDENCE_OF_REGISTRANT_MAX } from "../../../schemas/limits/evidence.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { type Db, openWriter } from "../../platform/store/open.js";
import { EvidenceReader, EvidenceWriter } from "./table.js";

const RECORD: RecordEvidenceRequest = {
  workspace: "w",
  task: null,
  instance_id: null,
  name: "ana",
  seen_by: "cli",
  client: "",
  command: "npm test",
  exit_code: 0,
  duration_ms: null,
  tree_before: null,
  tree_after: null,
  head: null,
  checkout: null,
  tail: null,
};

const ALL = { task: null, workspace: null, command: null, level: null, tree: null, before: 1e9, limit: 10 } as const;

/** Stores many records at once, with a registrant or with none. */
function fill(db: Db, rows: number, registrant: string | null): void {
  db.prepare(
    `INSERT INTO evidence (at, workspace, instance_id, registrant, name, seen_by, client, command)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     SELECT i, 'w', 'sub-' || i % 20, ?, 'bob', 'cli', '', 'x' FROM n`,
  ).run(rows, registrant);
}

t.test("a new record replaces the oldest one if there are too many", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  fill(db, EVIDENCE_MAX, null);
  const [writer, reader] = [new EvidenceWriter(db), new EvidenceReader(db)];
  writer.append(RECORD, 1);
  t.same([reader.get(1), reader.get(2)?.id, reader.get(EVIDENCE_MAX + 1)?.id], [undefined, 2, EVIDENCE_MAX + 1]);
  writer.append(RECORD, 2);
  t.same([reader.get(2), reader.get(3)?.id], [undefined, 3]);
  t.end();
});

t.test("an agent with too many records loses its own oldest one, whichever of its instances made them", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  const [writer, reader] = [new EvidenceWriter(db), new EvidenceReader(db)];
  writer.append({ ...RECORD, instance_id: "ana" }, 1);
  fill(db, EVIDENCE_OF_REGISTRANT_MAX, "bob");
  writer.append({ ...RECORD, instance_id: "one-more", registrant: "bob" }, 2);
  t.same([reader.get(1)?.instance_id, reader.get(2), reader.get(3)?.registrant], ["ana", undefined, "bob"]);
  t.equal([...reader.list({ ...ALL, limit: 2 * EVIDENCE_MAX })].length, 1 + EVIDENCE_OF_REGISTRANT_MAX);
  t.end();
});

t.test("old records are deleted in steps, the oldest first", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  const [writer, reader] = [new EvidenceWriter(db), new EvidenceReader(db)];
  for (let at = 1; at <= 5; at += 1) writer.append(RECORD, at);
  t.same(writer.prune(4, 2), { removed: 2, more: true });
  t.same(writer.prune(4, 2), { removed: 1, more: false });
  t.same(writer.prune(4, 2), { removed: 0, more: false });
  t.same(
    [...reader.list(ALL)].map(({ at }) => at),
    [5, 4],
  );
  t.end();
});

t.test("the long texts of records are not read to judge them", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  const [writer, reader] = [new EvidenceWriter(db), new EvidenceReader(db)];
  writer.append({ ...RECORD, task: "tax", tail: "long" }, 1);
  const judged = { id: 1, seen_by: "cli", exit_code: 0, tree_before: null, tree_after: null };
  t.same(reader.newest("tax", RECORD.command, "cli"), [judged]);
  t.end();
});
