/**
 * Tests that the guard's hooks work together with the other hooks of a repository, wherever these come from, and that
 * `guard uninstall` leaves nothing behind. Uses real git repositories and a real server.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";

import { sampleRows } from "./support/test-size.js";
import { NO_GIT, setUpGuarded, snapshotOf, writeScript, type Guarded } from "./cli/guarded.js";

/** Returns a hook script that records its name, its folder and its arguments, and exits with a code. */
function recordingHook(log: string, code = 0): string {
  return `echo "$(basename "$0") in $(basename "$(dirname "$0")"): $#" >>'${log}'\nexit ${code}`;
}

interface Situation {
  readonly name: string;
  /** Makes the hooks of the repository. Returns the name of their folder; "" if there is none. */
  readonly make: (bench: Guarded, log: string) => string | Promise<string>;
}

const NAMES = ["pre-commit", "prepare-commit-msg", "post-commit", "commit-msg"] as const;

function writeHooks(folder: string, log: string): void {
  for (const name of NAMES) writeScript(join(folder, name), recordingHook(log));
}

const SITUATIONS: readonly Situation[] = [
  { name: "none", make: () => "" },
  {
    name: "the repository's own",
    make: ({ root }, log) => {
      writeHooks(join(root, ".git", "hooks"), log);
      return "hooks";
    },
  },
  {
    name: "a folder of the repository that git tracks",
    make: async ({ root, git }, log) => {
      writeHooks(join(root, ".my hooks"), log);
      await git(["add", "."]);
      await git(["commit", "--quiet", "--message", "hooks"]);
      await git(["config", "core.hooksPath", ".my hooks"]);
      return ".my hooks";
    },
  },
  {
    name: "husky",
    make: async ({ root, git }, log) => {
      // husky 9 does the same: each hook in the folder `_` runs the file of the same name beside this folder.
      for (const name of NAMES) {
        writeScript(join(root, ".husky", "_", name), '. "$(dirname "$0")/h"');
        writeScript(join(root, ".husky", name), recordingHook(log));
      }
      const h = 'n=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] && exit 0\nsh -e "$s" "$@"';
      writeFileSync(join(root, ".husky", "_", "h"), `${h}\n`);
      writeFileSync(join(root, ".husky", "_", ".gitignore"), "*");
      await git(["add", "."]);
      await git(["commit", "--quiet", "--message", "husky"]);
      await git(["config", "core.hooksPath", ".husky/_"]);
      return ".husky";
    },
  },
  {
    name: "the user's",
    make: async ({ home, git }, log) => {
      writeHooks(join(home, "all hooks"), log);
      await git(["config", "--global", "core.hooksPath", "~/all hooks"]);
      return "all hooks";
    },
  },
  {
    name: "a linked folder",
    make: ({ root, top }, log) => {
      writeHooks(join(top, "elsewhere"), log);
      rmSync(join(root, ".git", "hooks"), { recursive: true });
      symlinkSync(join(top, "elsewhere"), join(root, ".git", "hooks"));
      return "hooks";
    },
  },
  {
    name: "linked files",
    make: async ({ root, git }, log) => {
      mkdirSync(join(root, ".git", "hooks"), { recursive: true });
      for (const name of NAMES) {
        writeScript(join(root, "scripts", name), recordingHook(log));
        symlinkSync(`../../scripts/${name}`, join(root, ".git", "hooks", name));
      }
      await git(["add", "."]);
      await git(["commit", "--quiet", "--message", "scripts"]);
      return "hooks";
    },
  },
];

/** Returns the hooks that ran, with the number of their arguments, and empties the log. */
function takeLog(log: string): string[] {
  const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
  rmSync(log, { force: true });
  return lines;
}

for (const { name, make } of sampleRows(SITUATIONS, 2))
  t.test(`hooks: ${name}`, { skip: NO_GIT }, async (t) => {
    const bench = await setUpGuarded(t);
    const { git, guard, write, bob, ana, root, top } = bench;
    const log = join(top, "log");
    const folder = await make(bench, log);
    takeLog(log);
    const runs = (words: readonly (readonly [string, number])[]) =>
      folder === "" ? [] : words.map(([hook, count]) => `${hook} in ${folder}: ${count}`);
    const before = snapshotOf(top, [`${bench.workspace}/.git/index`, "home/.config"]);
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    const installed = snapshotOf(top);
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    t.same(snapshotOf(top), installed, "twice is once");
    t.equal((await git(["status", "--porcelain"])).stdout, "");

    await bob.lease(["path:a.ts"]);
    const own = await ana.lease(["path:b.ts"]);
    write("a.ts");
    await git(["add", "."]);
    t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 1, stderr: /a\.ts is leased by bob/ });
    t.same(takeLog(log), runs([["pre-commit", 0]]), "the other hook has run first");
    const linked = join(top, "linked tree");
    t.match(await git(["worktree", "add", "--quiet", "-b", "linked", linked]), { code: 0 });
    takeLog(log);
    writeFileSync(join(linked, "a.ts"), "");
    await git(["add", "a.ts"], { cwd: linked });
    t.match(
      await git(["commit", "--quiet", "--message", "x"], { cwd: linked }),
      { code: 1 },
      "in another working tree",
    );
    takeLog(log);
    await git(["worktree", "remove", "--force", linked]);
    await git(["branch", "--quiet", "-D", "linked"]);
    await git(["reset", "--quiet"]);
    rmSync(join(root, "a.ts"));

    write("b.ts");
    await git(["add", "b.ts"]);
    t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0, stderr: "" });
    const all = [
      ["pre-commit", 0],
      ["prepare-commit-msg", 2],
      ["commit-msg", 1],
      ["post-commit", 0],
    ] as const;
    t.same(takeLog(log), runs(all));
    t.match((await git(["log", "-1", "--format=%B"])).stdout, `Koor-Fence: ${own.fence}`);
    write("b.ts");
    t.match(await git(["commit", "--quiet", "--all", "--no-verify", "--message", "x"]), { code: 0, stderr: "" });
    t.match((await git(["log", "-1", "--format=%B"])).stdout, `Koor-Fence: ${own.fence}`);
    await git(["reset", "--quiet", "--hard", "HEAD~2"]);
    t.match(await guard(["uninstall"]), { code: 0, stderr: "" });
    const after = snapshotOf(top);
    const changed = Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path]);
    const gits =
      /^trucks-\d+\/\.git\/(?:index|objects|logs|ORIG_HEAD|COMMIT_EDITMSG|worktrees|refs|packed-refs)|^log$|^home\/\.config/;
    t.same(
      changed.filter((path) => !gits.test(path)),
      [],
      "byte for byte",
    );
    t.match(await guard(["uninstall"]), { code: 0 });
  });

t.test("a hook that fails stops the commit with its own exit code", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, root, top } = bench;
  const hooks = join(root, ".git", "hooks");
  writeScript(join(hooks, "pre-commit"), "echo no >&2; exit 7");
  writeScript(join(hooks, "post-commit"), `echo post >>'${join(top, "log")}'; exit 3`);
  t.match(await guard(["install"]), { code: 0 });
  write("a.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 1, stderr: /^no\n/ });
  t.equal((await git(["hook", "run", "pre-commit"])).code, 7);
  writeScript(join(hooks, "pre-commit"), "exit 0");
  writeScript(join(hooks, "prepare-commit-msg"), 'echo "from a hook" >"$1"');
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0 });
  t.equal((await git(["log", "-1", "--format=%B"])).stdout, "from a hook");
  t.equal(readFileSync(join(top, "log"), "utf8"), "post\n");
  writeScript(join(hooks, "prepare-commit-msg"), "exit 9");
  write("a.ts");
  t.match(await git(["commit", "--quiet", "--all", "--message", "x"]), { code: 1 });
  chmodSync(join(hooks, "prepare-commit-msg"), 0o644);
  t.match(await git(["commit", "--quiet", "--all", "--message", "x"]), { code: 0 }, "a hook that cannot be run");
});

t.test("other hooks get their input, also if they come later", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, root, top } = bench;
  writeScript(join(root, ".git", "hooks", "pre-commit"), "exit 0");
  t.match(await guard(["install"]), { code: 0 });
  const far = join(top, "far.git");
  await git(["init", "--quiet", "--bare", far]);
  writeScript(
    join(root, ".git", "hooks", "pre-push"),
    `cat >'${join(top, "input")}'; echo "$@" >>'${join(top, "input")}'`,
  );
  t.match(await git(["push", "--quiet", far, "main"]), { code: 0 });
  t.match(readFileSync(join(top, "input"), "utf8"), /^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main 0{40}\n/);
  writeScript(join(root, ".git", "hooks", "pre-push"), "exit 5");
  t.match(await git(["push", "--quiet", far, "main:again"]), { code: 1 });
});

t.test("what another tool has written since stays", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, root } = bench;
  const hooks = join(root, ".git", "hooks");
  const foreign = "#!/bin/sh\n# of another tool\n";
  t.match(await guard(["install"]), { code: 0 });
  // The pre-commit framework does the same: its hook runs the old hook, which it has renamed.
  renameSync(join(hooks, "pre-commit"), join(hooks, "pre-commit.legacy"));
  writeFileSync(join(hooks, "pre-commit"), foreign);
  t.match(await guard(["uninstall"]), { code: 0, stderr: /pre-commit since, so it stays as it is/ });
  t.equal(readFileSync(join(hooks, "pre-commit"), "utf8"), foreign);
  t.notOk(existsSync(join(hooks, "post-commit")));
  t.notOk(existsSync(join(hooks, "pre-commit.legacy")));

  t.match(await guard(["install"]), { code: 0 });
  const folder = (await git(["rev-parse", "--git-path", "hooks"])).stdout;
  t.not(folder, ".git/hooks", "beside the other tool's");
  await git(["config", "core.hooksPath", ".husky/_"]);
  t.match(await guard(["uninstall"]), { code: 0 });
  t.equal((await git(["config", "core.hooksPath"])).stdout, ".husky/_");
  t.notOk(existsSync(join(root, ".git", "koor")));

  await git(["config", "--unset", "core.hooksPath"]);
  await git(["config", "user.name", "of later"]);
  t.match(await guard(["install"]), { code: 0 });
  await git(["config", "user.name", "of even later"]);
  t.match(await guard(["uninstall"]), { code: 0 });
  t.equal((await git(["config", "core.hooksPath"])).code, 1);
  t.equal((await git(["config", "user.name"])).stdout, "of even later");
});

t.test("a repository that was moved is guarded again after a second install", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, bob, write, root, top } = bench;
  writeScript(join(root, ".git", "hooks", "pre-commit"), "exit 0");
  const before = snapshotOf(root);
  t.match(await guard(["install"]), { code: 0 });
  const cwd = join(top, "moved");
  renameSync(root, cwd);
  t.match(await guard(["install"], { cwd }), { code: 0, stderr: "" });
  t.equal((await git(["config", "core.hooksPath"], { cwd })).stdout, join(cwd, ".git", "koor", "hooks"));
  t.match(await guard(["uninstall"], { cwd }), { code: 0, stderr: "" });
  t.same(snapshotOf(cwd), before, "byte for byte");
  t.match(await guard(["install"], { cwd }), { code: 0, stderr: "" });
  renameSync(cwd, root);
  await git(["config", "user.name", "of later"]);
  t.match(await guard(["uninstall"]), { code: 0, stderr: "" });
  t.equal((await git(["config", "core.hooksPath"])).code, 1);
  await bob.lease(["path:a.ts"]);
  write("a.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0, stderr: "" });
});

t.test("nothing is written through a link", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { guard, root, top } = bench;
  mkdirSync(join(top, "elsewhere"));
  symlinkSync(join(top, "elsewhere"), join(root, ".git", "koor"));
  const before = snapshotOf(top);
  t.match(await guard(["install"]), { code: 1, stdout: "", stderr: /symbolic link/ });
  t.same(snapshotOf(top), before);
});
