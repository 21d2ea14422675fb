/**
 * Tests the guard together with the real tools that manage git hooks. A tool may be installed before or after the
 * guard. `.ci/run` installs the tools; without them the tests are skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";

import { NO_GIT, setUpGuarded, snapshotOf, writeScript, type Guarded } from "./cli/guarded.js";
import { hookTool, toolMissing, type HookTool } from "./cli/hook-tools.js";

/** The hooks that each tool is configured to run. */
const HOOKS = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push"] as const;
/** The hooks that a commit runs, in their order. */
const COMMIT = HOOKS.slice(0, 4);

interface ToolRow {
  readonly tool: HookTool;
  /** Writes the tool's configuration. Each hook then runs `script NAME`, and a failure of the script stops git. */
  readonly configure: (root: string, script: string) => void;
  /** The arguments with which the tool installs its hooks. */
  readonly install: readonly string[];
  /** Whether the tool refuses to install its hooks if core.hooksPath is set. */
  readonly refusesHooksPath: boolean;
}

const TOOLS: readonly ToolRow[] = [
  {
    tool: "husky",
    configure: (root, script) => {
      for (const name of HOOKS) {
        mkdirSync(join(root, ".husky"), { recursive: true });
        writeFileSync(join(root, ".husky", name), `'${script}' ${name}\n`);
      }
    },
    install: [],
    refusesHooksPath: false,
  },
  {
    tool: "lefthook",
    configure: (root, script) => {
      const hooks = HOOKS.map((name) => [name, { commands: { say: { run: `'${script}' ${name}` } } }]);
      writeFileSync(join(root, "lefthook.json"), JSON.stringify(Object.fromEntries(hooks)));
    },
    install: ["install"],
    refusesHooksPath: true,
  },
  {
    tool: "pre-commit",
    configure: (root, script) => {
      const hooks = HOOKS.map((name) => ({
        id: name,
        name,
        entry: `'${script}' ${name}`,
        language: "system",
        pass_filenames: false,
        always_run: true,
        stages: [name],
      }));
      const configuration = { default_install_hook_types: HOOKS, repos: [{ repo: "local", hooks }] };
      writeFileSync(join(root, ".pre-commit-config.yaml"), JSON.stringify(configuration));
    },
    install: ["install"],
    refusesHooksPath: true,
  },
];

interface Tooled {
  readonly bench: Guarded;
  /** Makes the tool install its hooks. Returns "" if it did, and its message otherwise. */
  readonly installTool: (...more: readonly string[]) => string;
  readonly commit: (message: string, failing?: string) => ReturnType<Guarded["git"]>;
  /** Returns the hooks that the tool has run since the last call. */
  readonly ran: () => string[];
}

async function setUpTool(t: Test, row: ToolRow): Promise<Tooled> {
  const bench = await setUpGuarded(t);
  const { git, root, top, write } = bench;
  const program = hookTool(row.tool) ?? "";
  const [log, script] = [join(top, "tool log"), join(top, "say")];
  writeScript(script, `echo "$1" >>'${log}'\n[ "$FAILING" != "$1" ]`);
  const env = { PATH: `${dirname(program)}:${bench.env["PATH"] ?? ""}`, CI: "", PRE_COMMIT_HOME: join(top, "cache") };
  row.configure(root, script);
  await git(["add", "."]);
  t.equal((await git(["commit", "--quiet", "--no-verify", "--message", row.tool])).code, 0);
  return {
    bench,
    installTool: (...more) => {
      const end = spawnSync(program, [...row.install, ...more], {
        cwd: root,
        env: { ...bench.env, ...env },
        encoding: "utf8",
      });
      return end.status === 0 ? "" : `${end.stdout}${end.stderr}`;
    },
    commit: async (message, failing = "") => {
      write("a.ts");
      await git(["add", "a.ts"]);
      return await git(["commit", "--quiet", "--message", message], { env: { ...env, FAILING: failing } });
    },
    ran: () => {
      const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
      rmSync(log, { force: true });
      return lines;
    },
  };
}

for (const row of TOOLS) {
  const skip = NO_GIT || toolMissing(row.tool);

  t.test(`${row.tool} before the guard`, { skip }, async (t) => {
    const { bench, installTool, commit, ran } = await setUpTool(t, row);
    const { git, guard, ana, bob, root, top } = bench;
    t.equal(installTool(), "");
    const before = snapshotOf(root);
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    const installed = snapshotOf(root);
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    t.same(snapshotOf(root), installed, "twice is once");
    t.equal((await git(["status", "--porcelain"])).stdout, "");
    t.match(await guard(["uninstall"]), { code: 0, stderr: "" });
    t.same(snapshotOf(root), before, "byte for byte");
    t.match(await guard(["install"]), { code: 0, stderr: "" });

    const theirs = await bob.lease(["path:a.ts"]);
    t.match(await commit("theirs"), { code: 1, stderr: /a\.ts is leased by bob/ });
    t.same(ran(), ["pre-commit"]);
    await bob.release(theirs);
    const own = await ana.lease(["path:a.ts"]);
    for (const name of COMMIT.slice(0, 3)) {
      t.match(await commit("failing", name), { code: 1 }, `${name} fails`);
      t.same(ran(), COMMIT.slice(0, COMMIT.indexOf(name) + 1));
    }
    t.match(await commit("own"), { code: 0 });
    t.same(ran(), COMMIT);
    t.equal((await git(["log", "-1", "--format=%B"])).stdout, `own\n\nKoor-Fence: ${own.fence}`);
    const far = join(top, "far.git");
    await git(["init", "--quiet", "--bare", far]);
    t.match(await git(["push", "--quiet", far, "main"]), { code: 0 });
    t.same(ran(), ["pre-push"]);

    t.match(await guard(["uninstall"]), { code: 0, stderr: "" });
    t.match(await commit("without"), { code: 0 });
    t.same(ran(), COMMIT);
    t.equal((await git(["log", "-1", "--format=%B"])).stdout, "without");
  });

  t.test(`${row.tool} after the guard`, { skip }, async (t) => {
    const { bench, installTool, commit, ran } = await setUpTool(t, row);
    const { git, guard, bob } = bench;
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    t.equal(installTool(), "");
    t.match(await guard(["install"]), { code: 0 });
    const theirs = await bob.lease(["path:a.ts"]);
    t.match(await commit("theirs"), { code: 1, stderr: /a\.ts is leased by bob/ });
    t.same(ran(), ["pre-commit"]);
    t[row.refusesHooksPath ? "match" : "equal"](installTool(), row.refusesHooksPath ? /core\.hooksPath/ : "");
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    t.match(await commit("theirs"), { code: 1, stderr: /a\.ts is leased by bob/ });
    t.same(ran(), ["pre-commit"]);
    await bob.release(theirs);
    t.match(await guard(["uninstall"]), { code: 0 });
    t.match(await commit("without"), { code: 0 });
    t.same(ran(), COMMIT);
    t.equal((await git(["config", "core.hooksPath"])).stdout, row.tool === "husky" ? ".husky/_" : "");
  });
}

t.test(
  "lefthook that is forced into the guard's folder runs before the guard",
  { skip: NO_GIT || toolMissing("lefthook") },
  async (t) => {
    const row = TOOLS.find(({ tool }) => tool === "lefthook");
    if (row === undefined) return;
    const { bench, installTool, commit, ran } = await setUpTool(t, row);
    const { git, guard, bob, root } = bench;
    const rebased = join(root, ".git", "rebased");
    writeScript(join(root, ".git", "hooks", "pre-commit"), "exit 0");
    writeScript(join(root, ".git", "hooks", "pre-rebase"), `touch '${rebased}'`);
    t.match(await guard(["install"]), { code: 0, stderr: "" });
    t.equal(installTool("--force"), "");
    t.match(await guard(["install"]), { code: 0, stderr: /koor\/hooks\/pre-commit since, so it stays as it is/ });
    await bob.lease(["path:a.ts"]);
    t.match(await commit("theirs"), { code: 1, stderr: /a\.ts is leased by bob/ });
    t.same(ran(), ["pre-commit"]);
    t.match(await guard(["uninstall"]), { code: 0, stderr: "" });
    t.match(await commit("without"), { code: 0 });
    t.same(ran(), COMMIT);
    t.match(await git(["hook", "run", "pre-rebase"]), { code: 0 });
    t.ok(existsSync(rebased), "a hook that lefthook does not have is passed on still");
  },
);
