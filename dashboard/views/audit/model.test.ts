/** Tests the query of the audit view, the filter that the page applies itself, and the exported files. */
import t from "tap";
import type { AuditEntry } from "../../api/types.js";
import { FORMATS } from "./export.js";
import { actionBars, askedOf, filterIn, matching } from "./model.js";

function row(id: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id,
    timestamp: "2026-02-16T14:00:00.000Z",
    actor: "",
    action: "state.put",
    resource: "plan/build",
    detail: '{"version":1}',
    outcome: "success",
    ...more,
  };
}

t.test("an address is parsed; malformed parameters are ignored", async (t) => {
  t.equal(askedOf(filterIn({})), "");
  t.equal(askedOf(filterIn({ action: "state.put", actor: "a" })), "action=state.put&actor=a");
  t.equal(askedOf(filterIn({ actor: "unknown" })), "actor=", "calls without an identity");
  t.equal(askedOf(filterIn({ from: "2026-02-16T14:00:00Z", to: "soon" })), "from=2026-02-16T14%3A00%3A00Z");
  t.equal(filterIn({ outcome: "maybe" }).outcome, "");
  t.equal(askedOf(filterIn({ outcome: "error", search: "x" })), "", "the page filters by these");
});

t.test("rows are filtered by outcome and by every word", async (t) => {
  const rows = [
    row(1),
    row(2, { outcome: "error", detail: '{"error":"Empty body"}' }),
    row(3, { resource: "locks/a" }),
  ];
  const ids = (filter: { outcome?: string; search?: string }): number[] =>
    matching(rows, { outcome: "", search: "", ...filter }, new Map()).map(({ id }) => id);
  t.same(ids({}), [1, 2, 3]);
  t.same(ids({ outcome: "error" }), [2]);
  t.same(ids({ search: "empty PLAN" }), [2]);
  t.same(ids({ search: "unknown locks" }), [3]);
  t.same(ids({ outcome: "success", search: "empty" }), []);
});

t.test("actions are listed by frequency", async (t) => {
  t.same(actionBars({ "spec.put": 1, "state.put": 7, "rule.accept": 1 }), [
    ["state.put", 7],
    ["rule.accept", 1],
    ["spec.put", 1],
  ]);
});

t.test("no cell of the CSV is a formula, and all of them can be read back", async (t) => {
  const rows = [
    row(1, { resource: '=HYPERLINK("http://evil","a")' }),
    row(2, { resource: "+1", action: "-1" }),
    row(3, { resource: "@x", detail: "line\nbreak, comma" }),
    row(4, { resource: " \t=1" }),
  ];
  t.equal(
    FORMATS.csv.write(rows, new Map()),
    [
      "id,timestamp,actor,action,resource,outcome,detail,actor_name",
      '1,2026-02-16T14:00:00.000Z,,state.put,"\'=HYPERLINK(""http://evil"",""a"")",success,"{""version"":1}",',
      '2,2026-02-16T14:00:00.000Z,,"\'-1","\'+1",success,"{""version"":1}",',
      '3,2026-02-16T14:00:00.000Z,,state.put,"\'@x",success,"line\nbreak, comma",',
      '4,2026-02-16T14:00:00.000Z,,state.put,"\' \t=1",success,"{""version"":1}",',
      "",
    ].join("\r\n"),
  );
});

t.test("JSON lines have details as JSON", async (t) => {
  const text = FORMATS.jsonl.write([row(1), row(2, { detail: "no JSON" })], new Map());
  const lines = text.trimEnd().split("\n");
  t.same(
    lines.map((line) => (JSON.parse(line) as { readonly detail: unknown }).detail),
    [{ version: 1 }, "no JSON"],
  );
});
