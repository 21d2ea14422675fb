/**
 * Tests the content of reports that `radar report` makes from real git repositories: the files, the lines, and the
 * commit with which they are compared.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import type { ChangesBody } from "../schemas/radar.js";
import { RADAR_FILES_MAX, RADAR_RANGES_MAX } from "../schemas/limits/radar.js";
import { git as plainGit, makeRepository } from "./cli/git.js";
import { NO_GIT, snapshotOf, writeScript } from "./cli/guarded.js";
import { setUpRadar } from "./cli/radar-repository.js";

const skip = NO_GIT;
const lines = (count: number, changed: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, at) => `${changed[at + 1] ?? `line ${at + 1}`}\n`).join("");

/** Returns the files of a report by path, without their object ids. */
function rangesOf({ files }: ChangesBody): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    files.map(({ path, ranges, deleted }) => [path, deleted ? "deleted" : (ranges ?? "whole")]),
  );
}

t.test("commits, the index, the working tree and untracked files are one report", { skip }, async (t) => {
  const { git, write, remove, commit, report, root } = await setUpRadar(t);
  for (const path of ["committed.ts", "staged.ts", "edited.ts", "reverted.ts", "gone.ts", "dropped.ts", "same.ts"])
    write(path, lines(9));
  write("old name.ts", lines(30));
  write("picture.png", Buffer.from([0, 1, 2]));
  write("run.sh", "#!/bin/sh\n");
  write(".gitignore", "ignored/\n");
  symlinkSync("edited.ts", join(root, "link"));
  symlinkSync("edited.ts", join(root, "becomes-file"));
  commit();
  git("switch", "--quiet", "--create", "feature/tax");
  write("committed.ts", lines(9, { 2: "new 2" }));
  commit();
  write("staged.ts", lines(9, { 3: "new 3" }));
  write("reverted.ts", lines(9, { 4: "new 4" }));
  git("add", "staged.ts", "reverted.ts");
  write("reverted.ts", lines(9));
  write("edited.ts", `first\n${lines(9, { 5: "new 5" })}last\n`);
  git("mv", "old name.ts", "new name.ts");
  remove("gone.ts");
  git("rm", "--quiet", "--cached", "dropped.ts");
  write("picture.png", Buffer.from([0, 1, 3]));
  chmodSync(join(root, "run.sh"), 0o755);
  remove("link");
  symlinkSync("staged.ts", join(root, "link"));
  remove("becomes-file");
  write("becomes-file", "text\n");
  utimesSync(join(root, "same.ts"), 1, 1);
  write("fresh/ü.ts", "1\n");
  write("ignored/x.ts", "1\n");
  symlinkSync("edited.ts", join(root, "fresh/link"));
  const sent = await report();
  t.same(rangesOf(sent), {
    "becomes-file": "whole",
    "committed.ts": [[2, 2]],
    "dropped.ts": "deleted",
    "edited.ts": [
      [1, 0],
      [5, 5],
      [10, 9],
    ],
    "fresh/link": [[1, 0]],
    "fresh/ü.ts": [[1, 0]],
    "gone.ts": "deleted",
    link: "whole",
    "new name.ts": [[1, 0]],
    "old name.ts": "deleted",
    "picture.png": "whole",
    "reverted.ts": [[4, 4]],
    "run.sh": "whole",
    "staged.ts": [[3, 3]],
  });
  t.same(
    sent.files.map(({ path }) => path),
    sent.files.map(({ path }) => path).toSorted(),
    "by path",
  );
  t.match(sent, { workspace: "trucks", branch: "feature/tax", base: git("rev-parse", "main") });
  const idOf = (path: string) => sent.files.find((file) => file.path === path)?.blob;
  t.equal(idOf("gone.ts"), undefined);
  const inIndex = git("rev-parse", ":reverted.ts");
  git("add", "--all");
  for (const { path, deleted } of sent.files)
    if (!deleted && path !== "reverted.ts") t.equal(idOf(path), git("rev-parse", `:${path}`), `the id of ${path}`);
  t.equal(idOf("reverted.ts"), inIndex, "what is staged, and the next commit has");
});

t.test("the answer says how many files were reported", { skip }, async (t) => {
  const { write, radar, fake, env, root } = await setUpRadar(t);
  write("a.ts", "1\n");
  fake.answer = () => ({ body: '{"checkout":"x","overlaps":[{"path":"a.ts"}]}' });
  const end = await radar(["report"]);
  const [request] = fake.requests;
  const id = /^\/api\/checkouts\/([0-9a-f]{16})\/changes$/.exec(request?.url ?? "")?.[1];
  t.match(end, { code: 0, stdout: `{"checkout":"${id}","files":1,"overlaps":[{"path":"a.ts"}]}\n`, stderr: "" });
  t.match(request, { method: "PUT", headers: { "x-koor-instance": "me" } });
  t.ok(existsSync(root) && env !== undefined);
  fake.answer = () => ({ status: 429, body: '{"error":"too many reports","code":429}' });
  t.match(await radar(["report"]), { code: 1, stdout: "", stderr: /too many reports \(429\)/ });
  fake.answer = () => ({ body: '{"hello":1}' });
  t.match(await radar(["report"]), { code: 3, stderr: /is this a Koor server/ });
  await fake.stop();
  t.match(await radar(["report"]), { code: 3, stderr: /cannot reach/ });
});

t.test("the base is the merge base with the branch into which the work goes", { skip }, async (t) => {
  const { git, write, commit, report, top, home, radar } = await setUpRadar(t);
  write("a.ts", lines(9));
  commit();
  const begin = git("rev-parse", "HEAD");
  t.match(await report(), { base: begin, files: [] }, "on main itself without an upstream: HEAD");
  git("switch", "--quiet", "--create", "feature");
  write("b.ts", "1\n");
  commit();
  git("switch", "--quiet", "main");
  write("c.ts", "1\n");
  commit();
  const ahead = git("rev-parse", "HEAD");
  git("switch", "--quiet", "feature");
  t.same(rangesOf(await report()), { "b.ts": [[1, 0]] }, "main has gone on since");
  t.match(await report(), { base: begin, branch: "feature" });
  git("branch", "other", ahead);
  t.match(await report(["--base", "other"]), { base: begin });
  t.match(await report(["--base", "HEAD"]), { base: git("rev-parse", "HEAD"), files: [] });
  t.match(await radar(["report", "--base", "nothing"]), { code: 2, stderr: /unknown branch or commit: nothing/ });
  t.match(await radar(["report", "--base=--help"]), { code: 2, stdout: "" });

  git("branch", "--move", "main", "master");
  t.match(await report(), { base: begin }, "master, where there is no main");
  git("branch", "--move", "master", "trunk");
  t.match(await report(), { base: git("rev-parse", "HEAD") }, "HEAD, where there is neither");

  const clone = join(top, "clone", "trucks");
  git("branch", "--force", "main", begin);
  git("symbolic-ref", "HEAD", "refs/heads/main");
  git("reset", "--quiet", "--hard", begin);
  plainGit(home, top, "clone", "--quiet", join(top, "trucks"), clone);
  writeFileSync(join(clone, "d.ts"), "1\n");
  plainGit(home, clone, "add", ".");
  plainGit(home, clone, "commit", "--quiet", "--message", "d");
  t.same(rangesOf(await report([], clone)), { "d.ts": [[1, 0]] }, "on main itself, what its upstream does not have");
  plainGit(home, clone, "branch", "--unset-upstream");
  t.match(await report([], clone), { files: [] }, "without an upstream, HEAD");
  plainGit(home, clone, "switch", "--quiet", "--create", "work");
  plainGit(home, clone, "branch", "--quiet", "--delete", "--force", "main");
  t.match(await report([], clone), { base: begin }, "origin/HEAD");
  plainGit(home, clone, "switch", "--quiet", "--detach");
  const detached = await report([], clone);
  t.match(detached, { base: begin });
  t.equal(detached.branch, undefined, "a detached HEAD has no branch");
});

t.test("a repository without commits, and folders of a repository", { skip }, async (t) => {
  const { git, write, commit, report, top, home, root, radar } = await setUpRadar(t);
  const empty = join(top, "empty");
  mkdirSync(empty);
  plainGit(home, empty, "init", "--quiet");
  writeFileSync(join(empty, "a.ts"), "1\n");
  writeFileSync(join(empty, "b.ts"), "1\n");
  plainGit(home, empty, "add", "a.ts");
  const unborn = await report([], empty);
  t.same(rangesOf(unborn), { "a.ts": [[1, 0]], "b.ts": [[1, 0]] });
  t.equal(unborn.base, undefined);

  write("sub/a.ts", lines(3));
  commit();
  write("sub/a.ts", lines(4));
  write("top.ts", "1\n");
  const whole = await report();
  t.same(rangesOf(whole), { "sub/a.ts": [[4, 3]], "top.ts": [[1, 0]] });
  t.same(await report([], join(root, "sub")), whole, "paths are the repository's");

  const linked = join(top, "linked");
  git("worktree", "add", "--quiet", "-b", "linked", linked);
  writeFileSync(join(linked, "new.ts"), "1\n");
  t.same(rangesOf(await report([], linked)), { "new.ts": [[1, 0]] });
  t.match(await report([], linked), { branch: "linked", workspace: "trucks" });

  t.match(await radar(["report"], top), { code: 2, stdout: "", stderr: /no git repository here/ });
  plainGit(home, top, "clone", "--quiet", "--bare", root, join(top, "bare.git"));
  t.match(await radar(["report"], join(top, "bare.git")), { code: 2, stderr: /a bare repository has no files/ });
});

t.test("submodules, paths that are no UTF-8, and paths that no report can name", { skip }, async (t) => {
  const { git, write, commit, report, top, home, root } = await setUpRadar(t);
  const library = makeRepository(home, join(top, "library"));
  git("submodule", "--quiet", "add", library, "lib");
  write("a.ts", "1\n");
  commit();
  git("switch", "--quiet", "--create", "work");
  const before = await report();
  t.same(before.files, []);
  writeScript(join(top, "evil"), `touch '${join(top, "ran")}'`);
  plainGit(home, join(root, "lib"), "config", "core.fsmonitor", join(top, "evil"));
  plainGit(home, join(root, "lib"), "-c", "core.fsmonitor=", "commit", "--quiet", "--allow-empty", "--message", "x");
  writeFileSync(join(root, "lib", "untracked.ts"), "1\n");
  writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), "1\n");
  for (const path of ["C:x.ts", "back\\slash.ts", "line\nfeed.ts"]) write(path, "1\n");
  mkdirSync(join(root, "nested"));
  plainGit(home, join(root, "nested"), "init", "--quiet");
  const sent = await report();
  t.same(rangesOf(sent), { lib: "whole" });
  t.equal(sent.files[0]?.blob, plainGit(home, join(root, "lib"), "rev-parse", "HEAD"));
  t.notOk(existsSync(join(top, "ran")), "the submodule's configuration runs nothing");
});

t.test("many hunks are joined, and of many files the first are sent", { skip }, async (t) => {
  const { write, commit, report, radar, fake } = await setUpRadar(t);
  write("a.ts", lines(1_000));
  commit();
  const changed = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [at * 5 + 1, "new"]));
  write("a.ts", lines(1_000, changed));
  const { files } = await report();
  t.equal(files[0]?.ranges?.length, RADAR_RANGES_MAX);
  for (let at = 0; at < RADAR_FILES_MAX + 5; at++) write(`many/${String(at).padStart(4, "0")}.ts`, `${at}\n`);
  fake.requests.length = 0;
  const end = await radar(["report"]);
  t.match(end, { code: 0, stdout: /"files":2000,/ });
  t.equal(end.stderr, `koor: ${RADAR_FILES_MAX + 6} files differ: only the first ${RADAR_FILES_MAX} are reported\n`);
  const sent = JSON.parse(fake.requests[0]?.body.toString() ?? "") as ChangesBody;
  t.equal(sent.files[0]?.path, "a.ts");
  t.equal(sent.files.at(-1)?.path, "many/1998.ts");
});

t.test("nothing is written to the repository, and no program of its configuration runs", { skip }, async (t) => {
  const { git, write, commit, report, top, root, remove } = await setUpRadar(t);
  for (const path of ["a.ts", "b.ts", "c.big", "d.big"]) write(path, lines(9));
  write(".gitattributes", "*.ts diff=evil\n*.big filter=evil merge=evil\n");
  commit();
  git("switch", "--quiet", "--create", "work");
  const ran = join(top, "ran");
  const evil = join(top, "evil");
  writeScript(evil, `echo "$0 $*" >>'${ran}'\ncat`);
  for (const name of ["diff.evil.command", "diff.evil.textconv", "diff.external", "core.fsmonitor", "core.pager"])
    git("config", name, evil);
  for (const name of ["clean", "smudge", "process"]) git("config", `filter.evil.${name}`, evil);
  git("config", "filter.evil.required", "true");
  git("config", "diff.noprefix", "true");
  git("config", "diff.renames", "copies");
  git("config", "core.hooksPath", top);
  for (const hook of ["post-index-change", "pre-commit"]) writeScript(join(top, hook), `touch '${ran}'`);
  write("a.ts", lines(9, { 3: "new" }));
  // The times of these files do not show whether they have changed, so git has to read their contents.
  utimesSync(join(root, "b.ts"), 1, 1);
  write("c.big", lines(9, { 3: "new" }));
  write("e.big", "1\n");
  renameSync(join(root, "d.big"), join(root, "f.txt"));
  const before = snapshotOf(root);
  const { files } = await report();
  t.same(snapshotOf(root), before);
  t.notOk(existsSync(ran));
  t.match(files, [
    { path: "a.ts", ranges: [[3, 3]], blob: /^[0-9a-f]{40}$/ },
    { path: "c.big" },
    { path: "d.big", deleted: true },
    { path: "e.big", ranges: [[1, 0]] },
    { path: "f.txt", ranges: [[1, 0]], blob: /^[0-9a-f]{40}$/ },
  ]);
  for (const path of ["c.big", "e.big"]) {
    const file = files.find((one) => one.path === path);
    t.equal(file?.blob, undefined, `only the filter knows what git would store of ${path}`);
  }
  t.equal(files[1]?.ranges, undefined, "and which lines differ");
  remove("e.big");
});

t.test("the id is that of the content that git would store, with its line ends", { skip }, async (t) => {
  const { git, write, commit, report } = await setUpRadar(t);
  write("tracked.txt", "a\nb\n");
  commit();
  git("switch", "--quiet", "--create", "work");
  git("config", "core.autocrlf", "true");
  write("tracked.txt", "a\r\nc\r\n");
  write("fresh.txt", "a\r\nb\r\n");
  const { files } = await report();
  t.same(rangesOf({ workspace: "", files }), { "fresh.txt": [[1, 0]], "tracked.txt": [[2, 2]] });
  git("add", "--all");
  for (const { path, blob } of files) t.equal(blob, git("rev-parse", `:${path}`), path);
});

t.test("a merge in progress, and sparse and partial clones", { skip }, async (t) => {
  const { git, write, commit, report, top, home, radar, root, fake } = await setUpRadar(t);
  git("config", "uploadpack.allowFilter", "true");
  write("a.ts", lines(9));
  write("deep/b.ts", lines(9));
  commit();
  const [sparse, partial] = [join(top, "1", "trucks"), join(top, "2", "trucks")];
  plainGit(home, top, "clone", "--quiet", `file://${root}`, sparse);
  plainGit(home, sparse, "sparse-checkout", "set", "--cone");
  t.notOk(existsSync(join(sparse, "deep")));
  writeFileSync(join(sparse, "a.ts"), lines(9, { 2: "new" }));
  t.same(rangesOf(await report([], sparse)), { "a.ts": [[2, 2]] }, "files outside of a sparse checkout do not differ");

  plainGit(home, top, "clone", "--quiet", "--filter=blob:none", "--no-checkout", `file://${root}`, partial);
  plainGit(home, partial, "reset", "--quiet");
  writeFileSync(join(partial, "a.ts"), lines(9, { 2: "new" }));
  fake.requests.length = 0;
  const end = await radar(["report"], partial);
  t.match(end, { code: 0, stderr: /cannot compare the files by lines/ });
  const sent = JSON.parse(fake.requests[0]?.body.toString() ?? "") as ChangesBody;
  t.same(rangesOf(sent), { "a.ts": "whole", "deep/b.ts": "deleted" }, "no content is fetched");

  git("switch", "--quiet", "--create", "work");
  write("a.ts", lines(9, { 2: "one" }));
  commit();
  git("switch", "--quiet", "--create", "other", "main");
  write("a.ts", lines(9, { 2: "two" }));
  commit();
  t.throws(() => git("merge", "--quiet", "work"));
  t.same(rangesOf(await report()), { "a.ts": [[2, 2]] });
});
