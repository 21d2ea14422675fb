/** Tests the replay of merges on a repository whose conflicts are known, and on generated ones. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { git as runGit, makeRepository } from "../test/cli/git.js";
import { NO_GIT } from "../test/cli/guarded.js";
import { makeDirectory } from "../test/support/server-process.js";
import { makeHistory } from "./radar-history.js";
import { describeReplay, replay } from "./radar-replay.js";

t.test("conflicts, alarms and their leads are counted", { skip: NO_GIT }, (t) => {
  const top = makeDirectory(t);
  const [home, root] = [join(top, "home"), join(top, "trucks")];
  mkdirSync(home);
  makeRepository(home, root);
  const git = (...words: string[]): string => runGit(home, root, ...words);
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at + 1}`);
  const write = (path: string, changed: Readonly<Record<number, string>> = {}): void => {
    writeFileSync(join(root, path), lines.map((line, at) => `${changed[at + 1] ?? line}\n`).join(""));
  };
  const commit = (): void => {
    git("add", "--all");
    git("commit", "--quiet", "--message", "x");
  };
  for (const path of ["near.ts", "far.ts", "same.ts", "gone.ts"]) write(path);
  commit();
  git("switch", "--quiet", "--create", "work");
  write("near.ts", { 5: "work" });
  write("far.ts", { 2: "work" });
  write("same.ts", { 9: "both" });
  commit();
  write("gone.ts", { 1: "work" });
  commit();
  git("switch", "--quiet", "main");
  write("near.ts", { 5: "main" });
  write("far.ts", { 18: "main" });
  write("same.ts", { 9: "both" });
  git("rm", "--quiet", "gone.ts");
  commit();
  t.throws(() => git("merge", "--quiet", "work"));
  commit();
  const counts = replay(root);
  t.match(counts, {
    merges: 1,
    conflictedMerges: 1,
    conflicts: 2,
    foreseen: { file: 0, lines: 1, delete: 1, not: 0 },
    reported: { file: 1, lines: 1, delete: 1 },
    merged: { file: 1, lines: 0, delete: 0 },
  });
  t.equal(counts.leads.length, 2);
  t.ok(counts.leads.every(({ all }) => all === 3));
  t.match(describeReplay(counts), /foreseen as lines or delete: 2 \(100\.0 %\)/);
  t.end();
});

t.test("a seed gives one history, whose merges can be replayed", { skip: NO_GIT }, (t) => {
  const top = makeDirectory(t);
  const headOf = (name: string, seed: number): string => {
    makeHistory(join(top, name), 6, seed);
    return runGit(top, join(top, name), "rev-parse", "main");
  };
  const head = headOf("one", 1);
  t.equal(headOf("again", 1), head);
  t.not(headOf("other", 2), head);
  const counts = replay(join(top, "one"));
  t.equal(counts.merges, 6);
  t.ok(counts.reported.file > 0, "both sides change some files");
  t.end();
});
