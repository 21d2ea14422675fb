/**
 * Tests the guard's check, hooks and trailers, with real git repositories and a real server. cli-guard-hooks.test.ts
 * tests hooks from other sources, and cli-guard-verify.test.ts tests the later verification of commits.
 */
import { createServer } from "node:net";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { git as plainGit, makeRepository } from "./cli/git.js";
import { checkRecipe, NO_GIT, setUpGuarded, type Guarded } from "./cli/guarded.js";
import { sendJson } from "./support/http-client.js";
import { longFormOnly } from "./support/test-size.js";

/** The URL of a server that does not run. */
const AWAY = { KOOR_SERVER: "http://127.0.0.1:1" };

/** Returns the fences in the message of HEAD. */
async function fencesOf({ git }: Guarded, commit = "HEAD"): Promise<string> {
  return (await git(["log", "-1", "--format=%(trailers:key=Koor-Fence,valueonly,separator=%x2C)", commit])).stdout;
}

async function paths({ guard }: Guarded, ...words: string[]): Promise<string[]> {
  const { stdout } = await guard(["check", "--json", ...words]);
  const { conflicts } = JSON.parse(stdout) as { conflicts: { path: string }[] };
  return conflicts.map(({ path }) => path).toSorted();
}

t.test("a check names who is in the way, and exits with 1", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, bob, ana } = bench;
  const lease = await bob.lease(["path:src/a b.ts"]);
  await ana.lease(["path:src/own.ts"]);
  write("src/a b.ts");
  write("src/own.ts");
  write("free.ts");
  await git(["add", "."]);
  const refused = await guard(["check"]);
  t.match(refused, { code: 1, stdout: "" });
  t.match(refused.stderr, `src/a b.ts is leased by bob (exclusive, ${lease.id})`);
  t.match(refused.stderr, "koor wait --free 'path:src/a\\ b.ts' --timeout 90s");
  t.match(refused.stderr, "KOOR_GUARD=off");
  t.notMatch(refused.stderr, "own.ts");
  const json = await guard(["check", "--staged", "--json"], { cwd: join(bench.root, "src") });
  t.equal(json.code, 1);
  t.match(JSON.parse(json.stdout), { free: false, conflicts: [{ path: "src/a b.ts", lease: { id: lease.id } }] });
  t.equal(json.stdout.indexOf("\n"), json.stdout.length - 1, "one line");
  t.match(await guard(["check"], { env: { KOOR_INSTANCE: "" } }), { code: 1, stderr: /src\/own\.ts is leased by ana/ });
  t.match(await guard(["check"], { env: { KOOR_GUARD: "off" } }), { code: 0, stdout: "" });
  t.match(await guard(["check"], { env: { ...AWAY, KOOR_GUARD: "off" } }), { code: 0 });
  await bob.release(lease);
  t.match(await guard(["check"]), { code: 0, stdout: "", stderr: "" });
  t.same(JSON.parse((await guard(["check", "--json"])).stdout), { free: true, conflicts: [] });
  await bob.lease(["path:**/*.md"], { mode: "shared" });
  write("Makefile");
  await git(["add", "Makefile"]);
  t.match(await guard(["check"]), { code: 0 }, "a file without an extension is no folder");
});

t.test("both sides of a rename, deletions and a moved submodule are touched", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, write, bob, top, home, root } = bench;
  for (const path of ["old.ts", "gone.ts", "straße.ts", "same.ts"]) write(path, `${path}\n`.repeat(20));
  const inner = makeRepository(home, join(top, "inner"));
  await git(["submodule", "--quiet", "add", inner, "sub"]);
  await git(["add", "."]);
  await git(["commit", "--quiet", "--message", "one"]);
  for (const name of ["old.ts", "new.ts", "gone.ts", "straße.ts", "sub", "same.ts"]) await bob.lease([`path:${name}`]);
  await git(["config", "diff.renames", "copies"]);
  await git(["config", "diff.ignoreSubmodules", "all"]);
  await git(["mv", "old.ts", "new.ts"]);
  await git(["rm", "--quiet", "gone.ts"]);
  write("straße.ts");
  plainGit(home, join(root, "sub"), "commit", "--quiet", "--allow-empty", "--message", "further");
  await git(["add", "straße.ts"]);
  await git(["update-index", "sub"]);
  const touched = ["gone.ts", "new.ts", "old.ts", "straße.ts", "sub"];
  t.same(await paths(bench), touched);
  await git(["commit", "--quiet", "--message", "two"]);
  t.same(await paths(bench), [], "nothing is staged");
  t.same(await paths(bench, "--range", "HEAD~1..HEAD"), touched);
});

t.test(
  "the index that git names is checked, and names that are no UTF-8 are passed over",
  { skip: NO_GIT },
  async (t) => {
    const bench = await setUpGuarded(t);
    const { git, guard, write, bob, root } = bench;
    t.match(await guard(["install"]), { code: 0 });
    for (const path of ["mine.ts", "theirs.ts"]) write(path);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xe9, 0x2e, 0x74])]), "");
    await git(["add", "."]);
    await bob.lease(["path:theirs.ts"]);
    t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 1, stderr: /theirs\.ts is leased by bob/ });
    t.match(await git(["commit", "--quiet", "--message", "x", "--only", "mine.ts"]), { code: 0 });
    t.match(await git(["commit", "--quiet", "--message", "x", "--", "theirs.ts"]), { code: 1 });
    t.match(await git(["reset", "--quiet", "theirs.ts"]), { code: 0 });
    t.match(await git(["commit", "--quiet", "--message", "the name in Latin-1"]), { code: 0, stderr: "" });
    t.match(await git(["commit", "--quiet", "--allow-empty", "--message", "nothing"]), { code: 0 });
  },
);

t.test("any number of paths is checked", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, write, bob } = bench;
  for (let at = 0; at < 2_100; at += 1) write(`many/${at}.ts`, "");
  await git(["add", "."]);
  await bob.lease(["path:many/2099.ts"]);
  await bob.lease(["path:many/0.ts"]);
  t.same(await paths(bench), ["many/0.ts", "many/2099.ts"]);
});

t.test("a merge touches what differs from each parent", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, bob } = bench;
  write("both.ts", "a\nb\nc\nd\ne\n");
  write("left.ts");
  write("right.ts");
  await git(["add", "."]);
  await git(["commit", "--quiet", "--message", "base"]);
  await git(["switch", "--quiet", "--create", "side"]);
  write("both.ts", "a\nb\nc\nd\nE\n");
  write("right.ts");
  await git(["commit", "--quiet", "--all", "--message", "side"]);
  await git(["switch", "--quiet", "main"]);
  write("both.ts", "A\nb\nc\nd\ne\n");
  write("left.ts");
  await git(["commit", "--quiet", "--all", "--message", "main"]);
  for (const name of ["both.ts", "left.ts", "right.ts"]) await bob.lease([`path:${name}`]);
  await git(["merge", "--quiet", "--no-commit", "side"]);
  t.same(await paths(bench), ["both.ts"]);
  await git(["commit", "--quiet", "--message", "merged"]);
  t.same(await paths(bench, "--range", "HEAD^1..HEAD"), ["both.ts", "right.ts"], "with the commits of the side");
  t.match(await guard(["install"]), { code: 0 });
});

t.test("a server that is away lets a commit through, unless the guard is strict", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write } = bench;
  write("a.ts");
  await git(["add", "."]);
  t.match(await guard(["check"], { env: AWAY }), { code: 0, stdout: "", stderr: /^koor: the guard cannot ask/ });
  t.match(await guard(["check", "--strict"], { env: AWAY }), { code: 3, stdout: "", stderr: /cannot reach/ });
  await guard(["install"]);
  t.match(await git(["commit", "--quiet", "--message", "x"], { env: AWAY }), { code: 0 });
  await guard(["install", "--strict"]);
  write("a.ts");
  t.not((await git(["commit", "--quiet", "--all", "--message", "x"], { env: AWAY })).code, 0);
  t.match(await git(["commit", "--quiet", "--all", "--message", "x"], { env: { ...AWAY, KOOR_GUARD: "off" } }), {
    code: 0,
  });
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.teardown(() => silent.close());
  const { port } = silent.address() as { port: number };
  write("a.ts");
  await git(["add", "."]);
  t.match(await guard(["check"], { env: { KOOR_SERVER: `http://127.0.0.1:${port}` } }), { code: 0 });
});

t.test("wrong usage is exit 2", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, top, root, write } = bench;
  for (const command of [["install"], ["uninstall"], ["check"], ["committed"], ["verify", "a..b"]])
    t.match(await guard(command, { cwd: top }), { code: 2, stdout: "", stderr: /no git repository/ });
  for (const range of ["nothing..HEAD", "HEAD..nothing", "HEAD", "HEAD...HEAD", "a..b..c", "--all..HEAD"]) {
    t.match(await guard(["check", `--range=${range}`]), { code: 2, stdout: "" }, range);
    if (!range.startsWith("-")) t.match(await guard(["verify", range]), { code: 2, stdout: "" }, range);
  }
  t.match(await guard(["check", "--staged", "--range", "HEAD..HEAD"]), { code: 2 });
  for (const name of ["one", "two", "three"]) {
    write(name);
    await git(["add", "."]);
    await git(["commit", "--quiet", "--message", name]);
  }
  const shallow = join(top, "shallow");
  await git(["clone", "--quiet", "--depth", "2", `file://${root}`, shallow]);
  t.match(await guard(["check", "--range", "HEAD~1..HEAD"], { cwd: shallow }), { code: 0 });
  t.match(await guard(["check", "--range", "HEAD~2..HEAD"], { cwd: shallow }), { code: 2 });
  const other = (await git(["commit-tree", "-m", "apart", "HEAD^{tree}"], { cwd: shallow })).stdout;
  t.match(await guard(["check", "--range", `${other}..HEAD`], { cwd: shallow }), { code: 2, stderr: /cut off/ });
  const bare = join(top, "bare", `${bench.workspace}.git`);
  await git(["clone", "--quiet", "--bare", root, bare]);
  t.match(await guard(["check"], { cwd: bare }), { code: 2, stderr: /bare/ });
  await git(["remote", "remove", "origin"], { cwd: bare });
  await bench.bob.lease(["path:two"]);
  t.match(await guard(["check", "--range", "HEAD~2..HEAD"], { cwd: bare }), {
    code: 1,
    stderr: /two is leased by bob/,
  });
  t.match(await guard(["check", "--range", "HEAD~1..HEAD"], { cwd: bare }), { code: 0 });
});

t.test("leases of another checkout are not in the way", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, bob, root } = bench;
  write("a.ts");
  await git(["add", "."]);
  const here = JSON.parse((await guard(["check", "--json"])).stdout) as object;
  t.match(here, { free: true });
  const move = async (checkout: string): Promise<void> => {
    const answer = await sendJson(
      bob.port,
      "PATCH",
      `/api/instances/${bob.id}`,
      { checkout: { id: checkout } },
      bob.headers,
    );
    t.equal(answer.status, 200);
  };
  await move("elsewhere");
  await bob.lease(["path:a.ts"], { scope: "checkout" });
  t.match(await guard(["check"]), { code: 0 });
  const { runCli } = await import("./cli/run-cli.js");
  const { stdout } = await runCli(["whoami"], { cwd: root, env: bench.env });
  await move((JSON.parse(stdout) as { checkout: { id: string } }).checkout.id);
  await bob.lease(["path:a.ts"], { scope: "checkout" });
  t.match(await guard(["check"]), { code: 1, stderr: /a\.ts is leased by bob/ });
});

t.test("a commit names the fences of its committer's leases, each once", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, ana, bob } = bench;
  t.match(await guard(["install"]), { code: 0 });
  write("a.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--message", "none"]), { code: 0 });
  t.equal(await fencesOf(bench), "", "no lease, no trailer");
  t.equal((await git(["log", "-1", "--format=%B"])).stdout, "none");
  const first = await ana.lease(["path:a.ts"]);
  const second = await ana.lease(["path:src/**"]);
  await ana.lease(["path:other.ts"]);
  await bob.lease(["path:lib/**"]);
  write("a.ts");
  write("src/b.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--no-verify", "--message", "both\n\nwhy\n---\nmore"]), { code: 0 });
  t.equal(await fencesOf(bench), `${first.fence},${second.fence}`);
  t.match(
    (await git(["log", "-1", "--format=%B"])).stdout,
    /^both\n\nwhy\n---\nmore\n\nKoor-Fence: \d+\nKoor-Fence: \d+$/,
  );
  await git(["commit", "--quiet", "--amend", "--no-edit"]);
  t.equal(await fencesOf(bench), `${first.fence},${second.fence}`, "amended");
  await ana.release(first);
  await git(["commit", "--quiet", "--amend", "--message", "again"]);
  t.equal(await fencesOf(bench), `${first.fence},${second.fence}`, "amended with another message");
  write("src/c.ts");
  await git(["add", "."]);
  await git(["commit", "--quiet", "--message", "third"]);
  t.equal(await fencesOf(bench), `${second.fence}`, "a new commit within the same second");
  await git(["commit", "--quiet", "--allow-empty", "--message", "says nothing\n\nSigned-off-by: ana <a@b>"]);
  t.equal((await git(["log", "-1", "--format=%B"])).stdout, "says nothing\n\nSigned-off-by: ana <a@b>");
});

t.test(
  "commits that are picked or rebased keep their fences, and name new ones",
  { skip: NO_GIT || longFormOnly() },
  async (t) => {
    const bench = await setUpGuarded(t);
    const { git, guard, write, ana } = bench;
    await guard(["install"]);
    const commit = async (path: string): Promise<void> => {
      write(path);
      await git(["add", "."]);
      t.match(await git(["commit", "--quiet", "--message", path]), { code: 0, stderr: "" });
    };
    const first = await ana.lease(["path:a.ts"]);
    await commit("a.ts");
    await ana.release(first);
    const second = await ana.lease(["path:a.ts"]);
    await git(["switch", "--quiet", "--create", "side", "HEAD~1"]);
    t.match(await git(["cherry-pick", "main"]), { code: 0 });
    t.equal(await fencesOf(bench), `${first.fence},${second.fence}`, "picked");
    await commit("z.ts");
    t.match(await git(["rebase", "--quiet", "--force-rebase", "HEAD~2"]), { code: 0 });
    t.equal(await fencesOf(bench), "", "rebased without a lease");
    t.equal(await fencesOf(bench, "HEAD~1"), `${first.fence},${second.fence}`, "rebased, and none is named twice");
  },
);

t.test(
  "a message from an editor gets the fences, and an empty one stops the commit as before",
  { skip: NO_GIT || longFormOnly() },
  async (t) => {
    const bench = await setUpGuarded(t);
    const { git, guard, write, ana } = bench;
    await guard(["install"]);
    const lease = await ana.lease(["path:a.ts"]);
    write("a.ts");
    await git(["add", "."]);
    t.match(await git(["commit"], { env: { GIT_EDITOR: "true" } }), { code: 1, stderr: /empty commit message/ });
    t.match(await git(["commit", "--message", ""]), { code: 1, stderr: /empty commit message/ });
    const editor = 'f() { echo written | cat - "$1" >"$1.new" && mv "$1.new" "$1"; }; f';
    t.match(await git(["commit", "--quiet", "--verbose"], { env: { GIT_EDITOR: editor } }), { code: 0 });
    t.equal((await git(["log", "-1", "--format=%B"])).stdout, `written\n\nKoor-Fence: ${lease.fence}`);
  },
);

t.test("a commit without the guard is recorded in the audit log", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, bob, ana, server } = bench;
  await guard(["install"]);
  await bob.lease(["path:a.ts"]);
  write("a.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 1 });
  t.match(await git(["commit", "--quiet", "--message", "x"], { env: { KOOR_GUARD: "off" } }), { code: 0 });
  const commit = (await git(["rev-parse", "HEAD"])).stdout;
  const answer = await fetch(`${server.url}/api/audit?action=guard.off`);
  const [entry] = (await answer.json()) as { detail: string }[];
  t.match(entry, { actor: ana.id, resource: bench.workspace, outcome: "success" });
  t.same(JSON.parse(entry?.detail ?? ""), { commit, paths: ["a.ts"] });
});

t.test("a session that the server does not know acts as the folder's instance", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, ana, bob, root, server } = bench;
  write(".koor/instance.json", JSON.stringify({ id: ana.id, server: `${server.url}/` }));
  const env = { KOOR_INSTANCE: "", CLAUDE_CODE_SESSION_ID: "unknown" };
  await ana.lease(["path:a.ts"]);
  write("a.ts");
  await git(["add", "a.ts"]);
  t.match(await guard(["check"], { env }), { code: 0, stderr: "" });
  await bob.lease(["path:b.ts"]);
  write("b.ts");
  await git(["add", "b.ts"]);
  t.match(await guard(["check"], { env }), { code: 1, stderr: /b\.ts is leased by bob/ });
  rmSync(join(root, ".koor"), { recursive: true });
});

t.test("a hook that finds no koor lets through", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, bob, top } = bench;
  await guard(["install", "--strict"]);
  await bob.lease(["path:a.ts"]);
  write("a.ts");
  await git(["add", "."]);
  renameSync(join(top, "bin", "koor"), join(top, "bin", "moved"));
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0, stderr: "" });
});

t.test("the recipe of docs/guard.md works", { skip: NO_GIT || longFormOnly() }, async (t) => {
  await checkRecipe(t, "docs/guard.md");
});
