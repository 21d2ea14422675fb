/** Tests how many records are kept, and for how long, with a real database. */
import t from "tap";
import type { RecordEvidenceRequest } from "../../../schemas/evidence.js";
import { EVIDENCE_MAX } from "../../../schemas/limits/evidence.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { openWriter } from "../../platform/store/open.js";
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

t.test("a new record replaces the oldest one if there are too many", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => db.close());
  const [writer, reader] = [new EvidenceWriter(db), new EvidenceReader(db)];
  const ids = () => [...reader.list(ALL)].map(({ id }) => id);
  for (let at = 1; at <= 3; at += 1) writer.append(RECORD, at);
  db.exec(`UPDATE sqlite_sequence SET seq = ${EVIDENCE_MAX} WHERE name = 'evidence'`);
  t.equal(writer.append(RECORD, 4).id, EVIDENCE_MAX + 1);
  t.same(ids(), [EVIDENCE_MAX + 1, 3, 2], "the first one is gone");
  writer.append(RECORD, 5);
  t.same(ids(), [EVIDENCE_MAX + 2, EVIDENCE_MAX + 1, 3]);
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
