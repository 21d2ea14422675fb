/**
 * Tests the name of a folder's workspace, with real git repositories: clones, linked working trees, submodules, bare
 * repositories, and rewritten URLs. Also tests machines without git.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { countedGit, git, gitEnvironment, makeRepository } from "../test/cli/git.js";
import { makeDirectory } from "../test/support/server-process.js";
import { CliFailure } from "./failure.js";
import { findRoot, literalPaths } from "./workspace.js";
import { findWorkspace } from "./workspace-name.js";

function setUp(t: Test) {
  const top = makeDirectory(t);
  const home = join(top, "home");
  mkdirSync(home);
  const environment = gitEnvironment(home);
  const find = (folder: string, more: Readonly<Record<string, string>> = {}, given?: string) =>
    findWorkspace(folder, { ...environment, ...more }, given);
  return { top, home, find };
}

const REMOTE = "git@git.example:acme/trucks.git";
const OF_REMOTE = { name: "git.example/acme/trucks", from: "git remote" };

function writeProject(folder: string, text: string): void {
  mkdirSync(join(folder, ".koor"), { recursive: true });
  writeFileSync(join(folder, ".koor", "project.json"), text);
}

t.test("the sources of the name have the order of the docs", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trück s"));
  const below = join(root, "src", "deep");
  mkdirSync(below, { recursive: true });
  t.same(find(below), { name: "trück s", from: "working tree" });
  git(home, root, "remote", "add", "origin", REMOTE);
  t.same(find(below), OF_REMOTE);
  writeProject(root, '{"workspace":"of the project","policy":"auto"}');
  t.same(find(below), { name: "of the project", from: ".koor/project.json" });
  writeProject(join(root, "src"), '{"workspace":"nearer"}');
  t.same(find(below), { name: "nearer", from: ".koor/project.json" });
  t.same(find(below, { KOOR_WORKSPACE: "of the shell" }), { name: "of the shell", from: "KOOR_WORKSPACE" });
  t.same(find(below, { KOOR_WORKSPACE: "of the shell" }, "given"), { name: "given", from: "--workspace" });
  t.same(find(below, { KOOR_WORKSPACE: "" }, ""), { name: "nearer", from: ".koor/project.json" }, "empty is not given");
  writeProject(join(root, "src"), "{}");
  t.same(find(below), OF_REMOTE, "a project without a name is the nearest, too");
  t.end();
});

t.test("a folder outside of git has the name of its root", (t) => {
  const { top, find } = setUp(t);
  const folder = join(top, "plain");
  mkdirSync(join(folder, "sub"), { recursive: true });
  t.same(find(join(folder, "sub")), { name: "sub", from: "folder" });
  mkdirSync(join(folder, ".koor"));
  t.same(find(join(folder, "sub")), { name: "plain", from: "folder" }, "the nearest folder with a .koor");
  t.same(find("/"), { name: null, from: "folder" });
  mkdirSync(join(folder, "sub", ".git"));
  t.same(find(join(folder, "sub")), { name: "sub", from: "folder" }, "an empty .git is no repository");
  writeFileSync(join(folder, ".git"), "gitdir: /nowhere\n");
  t.same(find(folder), { name: "plain", from: "folder" }, "nor is a file that leads nowhere");
  const hidden = join(top, "a\u200bb");
  mkdirSync(hidden);
  t.same(find(hidden), { name: null, from: "folder" }, "the server would refuse this name");
  t.end();
});

t.test("paths count from the root of the working tree, and outside of git from the nearest .koor", (t) => {
  const { top, home } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"));
  const part = join(root, "parts", "a");
  mkdirSync(join(part, ".koor"), { recursive: true });
  t.equal(findRoot(part), root, "a .koor below the root is no root of its own");
  t.same(literalPaths(["./x.ts", "../b"], part), ["parts/a/x.ts", "parts/b"]);
  const plain = join(top, "plain", "sub");
  mkdirSync(plain, { recursive: true });
  t.equal(findRoot(plain), plain);
  mkdirSync(join(top, "plain", ".koor"));
  t.equal(findRoot(plain), join(top, "plain"));
  t.same(literalPaths(["./x.ts"], plain), ["sub/x.ts"]);
  t.end();
});

t.test("linked working trees have the workspace of the main one", (t) => {
  const { top, home, find } = setUp(t);
  const main = makeRepository(home, join(top, "trucks"));
  const linked = join(top, "elsewhere", "feature");
  const nested = join(main, ".claude", "worktrees", "x");
  for (const [folder, branch] of [
    [linked, "a"],
    [nested, "b"],
  ] as const)
    git(home, main, "worktree", "add", "--quiet", "-b", branch, folder);
  mkdirSync(join(linked, "src"));
  for (const folder of [linked, nested, join(linked, "src")])
    t.same(find(folder), { name: "trucks", from: "working tree" }, folder);
  symlinkSync(linked, join(top, "link"));
  t.same(find(join(top, "link", "src")), { name: "trucks", from: "working tree" }, "through a symbolic link");
  git(home, main, "remote", "add", "origin", REMOTE);
  for (const folder of [main, linked, nested]) t.same(find(folder), OF_REMOTE, folder);

  // Only the main working tree has the project file, because the file is often not committed.
  writeProject(main, '{"workspace":"of main"}');
  for (const folder of [main, linked, nested, join(linked, "src")])
    t.same(find(folder), { name: "of main", from: ".koor/project.json" }, folder);
  mkdirSync(join(main, "src"));
  writeProject(join(main, "src"), '{"workspace":"of src"}');
  t.match(find(join(linked, "src")), { name: "of src" }, "the same folder of the main one");
  writeProject(linked, '{"workspace":"own"}');
  t.match(find(join(linked, "src")), { name: "own" }, "its own file is nearer");
  t.end();
});

t.test("bare repositories, submodules and clones inside of others are repositories of their own", (t) => {
  const { top, home, find } = setUp(t);
  const origin = makeRepository(home, join(top, "origin"));
  git(home, top, "clone", "--quiet", "--bare", origin, "trucks.git");
  const bare = join(top, "trucks.git");
  git(home, bare, "remote", "remove", "origin");
  git(home, bare, "worktree", "add", "--quiet", join(top, "a"), "main");
  t.same(find(join(top, "a")), { name: "trucks", from: "working tree" }, "a working tree of a bare repository");
  const project = join(top, "project");
  mkdirSync(project);
  renameSync(bare, join(project, ".bare"));
  git(home, join(project, ".bare"), "worktree", "repair", join(top, "a"));
  writeFileSync(join(project, ".git"), "gitdir: ./.bare\n");
  t.same(find(join(top, "a")), { name: "project", from: "working tree" }, "of one in a hidden folder");
  t.same(find(project), { name: "project", from: "working tree" });

  const outer = makeRepository(home, join(top, "outer"), REMOTE);
  writeProject(outer, '{"workspace":"of outer"}');
  git(home, outer, "submodule", "--quiet", "add", origin, "parts/sub");
  const sub = join(outer, "parts", "sub");
  t.same(find(sub), { name: "origin", from: "git remote" }, "a submodule has its own remote");
  git(home, sub, "remote", "remove", "origin");
  t.same(find(sub), { name: "sub", from: "working tree" });
  git(home, sub, "worktree", "add", "--quiet", "-b", "x", join(top, "of-sub"));
  t.same(find(join(top, "of-sub")), { name: "sub", from: "working tree" }, "a linked working tree of a submodule");
  const inner = makeRepository(home, join(outer, "inner"));
  t.same(find(inner), { name: "inner", from: "working tree" }, "the project's file above is not its own");
  t.end();
});

t.test("the remote is the one that git uses", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"), "gh:acme/trucks");
  t.match(find(root), { name: "gh/acme/trucks" });
  writeFileSync(join(home, ".gitconfig"), '[url "https://ana:pw@github.com:8443/"]\n\tinsteadOf = gh:\n');
  t.same(find(root), { name: "github.com/acme/trucks", from: "git remote" }, "insteadOf of the user");
  const given = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "url.ssh://git@corp.example/.insteadOf",
    GIT_CONFIG_VALUE_0: "gh:acme/",
  };
  t.match(find(root, given), { name: "corp.example/trucks" }, "insteadOf of the environment");
  writeFileSync(join(top, "included"), '[remote "origin"]\n\turl = https://included.example/a.git\n');
  git(home, root, "remote", "remove", "origin");
  git(home, root, "config", "include.path", join(top, "included"));
  t.match(find(root), { name: "included.example/a" }, "a file that the configuration includes");
  git(home, root, "config", "--unset", "include.path");
  git(home, root, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
  t.same(find(root), { name: "trucks", from: "working tree" }, "a remote without a URL");
  git(home, root, "config", "remote.origin.url", `${top}/größe/übung.git/`);
  t.same(find(root), { name: "übung", from: "git remote" }, "a local path");
  git(home, root, "config", "remote.origin.url", "https://git.example/a\u001b[31m");
  t.same(find(root), { name: "trucks", from: "working tree" }, "a URL that makes no valid name");
  t.end();
});

t.test("git's variables of another repository are ignored", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"), REMOTE);
  const other = makeRepository(home, join(top, "other"), "https://other.example/a");
  const plain = join(top, "plain");
  mkdirSync(plain);
  const variables = { GIT_DIR: join(other, ".git"), GIT_WORK_TREE: other, GIT_COMMON_DIR: join(other, ".git") };
  t.same(find(root, variables), OF_REMOTE);
  t.same(find(root, { GIT_DIR: ".git", GIT_PREFIX: "src/", GIT_INDEX_FILE: "index" }), OF_REMOTE, "as in a hook");
  t.same(find(plain, variables), { name: "plain", from: "folder" });
  t.end();
});

t.test("without git the repository's own file names the remote", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"), REMOTE);
  git(home, root, "worktree", "add", "--quiet", "-b", "a", join(top, "linked"));
  const empty = join(top, "empty");
  mkdirSync(empty);
  for (const folder of [root, join(top, "linked")]) t.same(find(folder, { PATH: empty }), OF_REMOTE, folder);
  git(home, root, "remote", "remove", "origin");
  t.same(find(join(top, "linked"), { PATH: empty }), { name: "trucks", from: "working tree" });
  t.end();
});

t.test("git is started only if its answer decides, and never from the project", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"), REMOTE);
  const plain = join(top, "plain");
  mkdirSync(plain);
  const counted = countedGit(join(top, "bin"));
  const environment = { PATH: counted.path };
  find(plain, environment);
  find(root, environment, "given");
  find(root, { ...environment, KOOR_WORKSPACE: "w" });
  t.same(counted.calls(), []);
  t.same(find(root, environment), { name: "trucks", from: "working tree" }, "git finds no remote");
  t.same(
    counted.calls().map((call) => call.replace(/^(?:-c \S+ )+/, "")),
    [`--git-dir=${join(root, ".git")} remote get-url origin`],
  );
  writeProject(root, '{"workspace":"w"}');
  find(root, environment);
  t.equal(counted.calls().length, 1);
  rmSync(join(root, ".koor"), { recursive: true });
  const planted = countedGit(root);
  find(root, { PATH: `.:${counted.path}` });
  t.same(planted.calls(), [], "a relative folder of PATH is not the project");
  t.end();
});

t.test("an invalid name that a person wrote is a failure", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"), REMOTE);
  const fails = (found: unknown, exit: number, message: RegExp) => {
    t.ok(found instanceof CliFailure);
    t.match(found, { exit, message });
  };
  fails(find(root, {}, "a\nb"), 2, /^--workspace must not contain control characters$/);
  fails(find(root, { KOOR_WORKSPACE: "a\u200bb" }), 2, /^KOOR_WORKSPACE must not contain characters that cannot be/);
  fails(find(root, { KOOR_WORKSPACE: "x".repeat(257) }), 2, /^KOOR_WORKSPACE is longer than 256 characters$/);
  t.match(find(root, {}, "ü".repeat(256)), { from: "--workspace" });
  const faults: readonly (readonly [text: string, message: RegExp])[] = [
    ["{", /^\.koor\/project\.json is not valid JSON$/],
    ["[]", /^\.koor\/project\.json must hold a JSON object$/],
    ['{"workspace":1}', /^\.koor\/project\.json: workspace must be a string$/],
    ['{"workspace":"a\\nb"}', /^\.koor\/project\.json: workspace must not contain control characters$/],
    ['{"server":[]}', /^\.koor\/project\.json: server must be a string$/],
    ['{"server":"ftp://a"}', /^\.koor\/project\.json: server must be an http:\/\/ or https:\/\/ URL/],
  ];
  for (const [text, message] of faults) {
    writeProject(root, text);
    fails(find(root), 3, message);
  }
  mkdirSync(join(root, "src"));
  fails(find(join(root, "src")), 3, /^\.\.\/\.koor\/project\.json: server/);
  t.match(find(root, { KOOR_WORKSPACE: "w" }), { name: "w" }, "the file is not read then");
  t.end();
});
