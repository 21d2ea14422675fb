/**
 * Tests the judgement of a required command: whether it counts as passed, which record decides, and which reason is
 * given if it has not passed.
 */
import t from "tap";
import { judge, type JudgedAgainst } from "./judge.js";
import type { EvidenceRow } from "./table.js";

const TREE = "a".repeat(40);
const OTHER = "b".repeat(40);
const NOTHING: JudgedAgainst = { tree: null, staleTo: 0 };

function row(id: number, more: Partial<EvidenceRow> = {}): EvidenceRow {
  return {
    id,
    at: 0,
    workspace: "w",
    task: "t",
    instance_id: null,
    name: "",
    seen_by: "cli",
    client: "",
    command: "npm test",
    exit_code: 0,
    duration_ms: null,
    tree_before: TREE,
    tree_after: TREE,
    head: null,
    checkout: null,
    tail: null,
    ...more,
  };
}

t.test("a command passes if a program saw it pass", (t) => {
  t.same(judge([row(1)], NOTHING), { why: null, evidence: 1 });
  t.same(judge([row(1, { seen_by: "ci" })], NOTHING), { why: null, evidence: 1 });
  t.same(judge([row(1, { seen_by: "hook" })], NOTHING), { why: null, evidence: 1 });
  t.same(judge([], NOTHING), { why: "none", evidence: null });
  t.same(judge([row(1, { seen_by: "agent" })], NOTHING), { why: "said", evidence: 1 });
  t.same(judge([row(1, { exit_code: null })], NOTHING), { why: "unknown", evidence: 1 });
  t.same(judge([row(1, { exit_code: 2 })], NOTHING), { why: "failed", evidence: 1 });
  t.end();
});

t.test("the newest record decides, in whatever order they come", (t) => {
  t.same(judge([row(1), row(2, { exit_code: 1 })], NOTHING), { why: "failed", evidence: 2 });
  t.same(judge([row(3), row(2, { exit_code: 1 })], NOTHING), { why: null, evidence: 3 });
  t.same(judge([row(1), row(2, { seen_by: "agent", exit_code: 1 })], NOTHING), { why: null, evidence: 1 }, "said");
  t.same(judge([row(1), row(2, { exit_code: null })], NOTHING), { why: null, evidence: 1 }, "an unknown end");
  t.end();
});

t.test("a pass that is not newer than the last edit is stale", (t) => {
  t.same(judge([row(4)], { tree: null, staleTo: 4 }), { why: "stale", evidence: 4 });
  t.same(judge([row(5)], { tree: null, staleTo: 4 }), { why: null, evidence: 5 });
  t.same(judge([row(4, { exit_code: 1 })], { tree: null, staleTo: 4 }), { why: "failed", evidence: 4 });
  t.end();
});

t.test("with a tree only runs on exactly these files count", (t) => {
  const against = { tree: TREE, staleTo: 0 };
  t.same(judge([row(1)], against), { why: null, evidence: 1 });
  t.same(judge([row(1, { tree_before: OTHER })], against), { why: "tree", evidence: 1 });
  t.same(judge([row(1, { tree_after: OTHER })], against), { why: "tree", evidence: 1 });
  t.same(judge([row(1, { tree_before: null, tree_after: null })], against), { why: "tree", evidence: 1 });
  t.same(judge([row(1), row(2, { tree_before: OTHER, exit_code: 1 })], against), { why: null, evidence: 1 });
  const hook = row(3, { seen_by: "hook", tree_before: null, tree_after: null });
  t.same(judge([hook], against), { why: null, evidence: 3 }, "a hook knows no tree");
  t.same(judge([hook], { tree: TREE, staleTo: 3 }), { why: "stale", evidence: 3 });
  t.end();
});
