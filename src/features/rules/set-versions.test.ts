/**
 * Tests the cached versions of rule sets. After a client has seen a version in an answer, the cache must never return
 * an older version.
 */
import t from "tap";
import { RULE_SET_VERSIONS_KEPT_MAX } from "../../../schemas/limits/rules.js";
import { RuleSetVersions } from "./set-versions.js";

function make(): {
  readonly versions: RuleSetVersions;
  readonly stored: Map<string, number>;
  readonly read: string[];
  readonly stale: { now: boolean };
} {
  const stored = new Map([["p", 1]]);
  const read: string[] = [];
  const stale = { now: false };
  const versions = new RuleSetVersions(
    (project) => {
      read.push(project);
      return stored.get(project) ?? 0;
    },
    () => stale.now,
  );
  return { versions, stored, read, stale };
}

t.test("a version is read once, until rules change", (t) => {
  const { versions, stored, read } = make();
  t.same([versions.get("p"), versions.get("p"), versions.get("q"), versions.get("q")], [1, 1, 0, 0]);
  t.same(read, ["p", "q"]);
  versions.begin(["p"]);
  t.equal(versions.get("p"), 1, "the old version is still cached");
  stored.set("p", 2);
  t.equal(versions.get("p"), 2, "the database is newer than the writer's answer");
  versions.begin(null);
  versions.end(["p"], ["p"]);
  stored.set("p", 3);
  t.equal(versions.get("p"), 3, "another change is in flight");
  versions.end(null, null);
  read.length = 0;
  t.same([versions.get("p"), versions.get("p")], [3, 3]);
  t.same(read, ["p"]);
  t.end();
});

t.test("the number of cached versions is bounded", (t) => {
  const { versions, read } = make();
  for (let at = 0; at < 3 * RULE_SET_VERSIONS_KEPT_MAX; at++) t.equal(versions.get(`${at}`), 0);
  const before = read.length;
  for (let at = 0; at < 3 * RULE_SET_VERSIONS_KEPT_MAX; at++) versions.get(`${at}`);
  t.ok(read.length - before >= 2 * RULE_SET_VERSIONS_KEPT_MAX);
  t.end();
});

t.test("while the database may be newer, versions are read from it", (t) => {
  const { versions, stored, stale } = make();
  t.equal(versions.get("p"), 1);
  stored.set("p", 2);
  stale.now = true;
  t.equal(versions.get("p"), 2);
  t.end();
});
