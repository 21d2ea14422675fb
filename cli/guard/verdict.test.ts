/** Tests which verdict a commit gets, by its times, fences, scopes and checkouts. */
import t from "tap";

import type { Lease } from "../lease-calls.js";
import type { CommitRecord } from "./commit-paths.js";
import { LeaseHistory } from "./lease-history.js";
import { judge } from "./verdict.js";

const NOON_S = Date.UTC(2026, 10, 26, 12) / 1_000;

function at(ms: number): string {
  return new Date(NOON_S * 1_000 + ms).toISOString();
}

/** Returns a lease of `holder` that was held between two times, given in ms after noon. */
function lease(fence: number, holder: string, from: number, to: number | null, more: Partial<Lease> = {}): Lease {
  return {
    id: `lease-${fence}`,
    fence,
    state: to === null ? "held" : "released",
    holder: { id: holder, name: holder },
    workspace: "w",
    resources: ["path:a.ts"],
    mode: "exclusive",
    scope: "repo",
    checkout: null,
    reason: "",
    note: null,
    task: null,
    ttl_s: 600,
    max_s: 14_400,
    requested_at: at(from),
    granted_at: at(from),
    expires_at: null,
    ended_at: to === null ? null : at(to),
    position: null,
    ...more,
  };
}

function commit(more: Partial<CommitRecord> = {}): CommitRecord {
  return { commit: "c", tree: "t", authorS: NOON_S, committerS: NOON_S, fences: [], paths: ["a.ts"], ...more };
}

function verdictOf(record: CommitRecord, leases: readonly Lease[], off: readonly string[] = []) {
  return judge(record, { history: new LeaseHistory(leases), off: new Set(off), sinceMs: NOON_S * 1_000 - 60_000 });
}

t.test("a commit that was landed is judged by its author's time", (t) => {
  const lane = lease(7, "ana", 0, 5_000, { resources: ["name:land@w/main"] });
  const landed = commit({ fences: [7], authorS: NOON_S - 30, committerS: NOON_S + 1 });
  const theirs = (from: number, to: number | null) => lease(1, "bob", from, to);
  t.match(verdictOf(landed, [lane, theirs(-5_000, null)]), { verdict: "free", fence: null });
  t.match(verdictOf(landed, [lane, theirs(-31_000, -10_000)]), { verdict: "violation" }, "leased when it was written");
  t.match(verdictOf(landed, [theirs(-5_000, null)]), { verdict: "violation" }, "a fence that was never granted");
  const other = { ...lane, resources: ["name:deploy"] };
  t.match(verdictOf(landed, [other, theirs(-5_000, null)]), { verdict: "violation" }, "the fence of another name");
  const late = commit({ fences: [7], authorS: NOON_S - 30, committerS: NOON_S + 9 });
  t.match(verdictOf(late, [lane, theirs(-5_000, null)]), { verdict: "violation" }, "the lane was held before");
  const own = lease(3, "ana", -40_000, -20_000);
  t.match(verdictOf({ ...landed, fences: [3, 7] }, [lane, own, theirs(-5_000, null)]), {
    verdict: "covered",
    fence: 3,
  });
  t.end();
});

t.test("whole seconds count in the commit's favour", (t) => {
  for (const [from, to, verdict] of [
    [-5_000, null, "violation"],
    [0, 1_000, "violation"],
    [-5_000, 999, "free"],
    [1, null, "free"],
    [-9_000, -1, "free"],
  ] as const)
    t.match(verdictOf(commit(), [lease(1, "bob", from, to)]), { verdict, fence: null }, `${from} to ${to}`);
  for (const [from, to, verdict] of [
    [-5_000, 0, "covered"],
    [999, null, "covered"],
    [1_000, null, "free"],
    [-5_000, -1, "free"],
  ] as const)
    t.match(verdictOf(commit({ fences: [1] }), [lease(1, "ana", from, to)]), { verdict }, `own ${from} to ${to}`);
  t.end();
});

t.test("a fence covers by the author's time or by the committer's", (t) => {
  const own = [lease(7, "ana", -50_000, -40_000)];
  t.match(verdictOf(commit({ fences: [7], authorS: NOON_S - 45 }), own), { verdict: "covered", fence: 7 });
  t.match(verdictOf(commit({ fences: [7] }), own), { verdict: "free", fence: null });
  t.match(verdictOf(commit({ fences: [8, 7], authorS: NOON_S - 45 }), own), { verdict: "covered", fence: 7 });
  t.end();
});

t.test("all paths must be covered, and others are all but the holder of the fences", (t) => {
  const own = lease(1, "ana", -5_000, null);
  const both = commit({ fences: [1], paths: ["a.ts", "b/c.ts"] });
  t.match(verdictOf(both, [own]), { verdict: "free", fence: 1 });
  t.match(verdictOf(both, [own, lease(2, "ana", -5_000, null, { resources: ["path:b"] })]), { verdict: "free" });
  const bobs = lease(3, "bob", -5_000, null, { resources: ["path:b"], mode: "shared" });
  t.same(verdictOf(both, [own, bobs]).violations, [
    { path: "b/c.ts", holder: { id: "bob", name: "bob" }, lease_id: "lease-3" },
  ]);
  t.match(verdictOf(commit(), [own]), { verdict: "violation" }, "without its fence, ana is another");
  t.match(verdictOf(commit({ fences: [1], paths: ["z.ts"] }), [own]), { verdict: "free", fence: null });
  t.match(verdictOf(commit({ paths: [] }), [own]), { verdict: "free", violations: [] });
  t.end();
});

t.test("leases of a checkout count in the checkout of the fence's lease", (t) => {
  const own = lease(1, "ana", -5_000, null, { resources: ["path:z.ts"], checkout: "here" });
  const record = commit({ fences: [1], paths: ["z.ts", "a.ts"] });
  const of = (checkout: string) => lease(2, "bob", -5_000, null, { scope: "checkout", checkout });
  t.match(verdictOf(record, [own, of("here")]), { verdict: "violation" });
  t.match(verdictOf(record, [own, of("there")]), { verdict: "free" });
  t.match(verdictOf(commit(), [of("here")]), { verdict: "free" }, "no fence says where the commit was made");
  t.end();
});

t.test("a commit without the guard, and one before the history", (t) => {
  const held = [lease(1, "bob", -5_000, null)];
  t.match(verdictOf(commit(), held, ["c"]), { verdict: "off", violations: [] });
  t.match(verdictOf(commit({ committerS: NOON_S - 61 }), held), { verdict: "unknown", violations: [] });
  t.end();
});

t.test("globs, folders and files that were never leased", (t) => {
  const wild = lease(1, "bob", -5_000, null, { resources: ["path:src/*.{ts,js}", "state:a"] });
  t.match(verdictOf(commit({ paths: ["src/x.js"] }), [wild]), { verdict: "violation" });
  t.match(verdictOf(commit({ paths: ["src/x.md", "src/a/x.js"] }), [wild]), { verdict: "free" });
  const never = lease(2, "bob", -5_000, null, { granted_at: null, fence: null });
  t.match(verdictOf(commit(), [never]), { verdict: "free" });
  const inside = lease(3, "bob", -5_000, null, { resources: ["path:sub/x.c"] });
  t.match(verdictOf(commit({ paths: ["sub"] }), [inside]), { verdict: "violation" }, "a moved submodule");
  t.end();
});
