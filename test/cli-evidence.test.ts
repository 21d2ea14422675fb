/**
 * Tests the commands about evidence with real git repositories and a real server: what they run, record and send. Also
 * runs the steps of the workflow in examples/ci/koor.yml in their order.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";

import type { ListedEvidence } from "../schemas/evidence.js";
import { EVIDENCE_TAIL_BYTES_MAX } from "../schemas/limits/evidence.js";
import { must } from "../src/base/assert.js";
import { findDeadServer } from "./cli/fake-cluster.js";
import { git, gitEnvironment, makeRepository } from "./cli/git.js";
import { checkRecipe, NO_GIT, setUpGuarded, writeScript } from "./cli/guarded.js";
import { CLI_PROGRAM, RunningCli, runCli } from "./cli/run-cli.js";
import { send, sendJson } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { addTask, claimOne, getTask } from "./support/tasking.js";

const skip = NO_GIT;
const ROOT = new URL("../../../", import.meta.url);

type Recorded = ListedEvidence & { readonly tail: string | null };

/** Returns the newest record, with its output. */
async function newest(port: number): Promise<Recorded> {
  const [listed] = (await send(port, "GET", "/api/evidence?limit=1")).json<ListedEvidence[]>();
  return (await send(port, "GET", `/api/evidence/${must(listed, "a record").id}`)).json<Recorded>();
}

async function setUp(own: Parameters<typeof makeDirectory>[0]) {
  const server = await startKoor(own);
  const home = makeDirectory(own);
  const root = makeRepository(home, join(home, "trucks"));
  const ana = await Agent.register(server.port, "ana");
  const env = { ...gitEnvironment(home), KOOR_SERVER: server.url, KOOR_INSTANCE: ana.id };
  return { server, port: server.port, home, root, ana, env, koor: { cwd: root, env } };
}

t.test("the example of docs/evidence.md does what the page says", { skip }, async (t) => {
  await checkRecipe(t, "docs/evidence.md");
});

t.test("task run passes output, input and exit code through, and records them with the tree", { skip }, async (t) => {
  const { port, home, root, ana, koor } = await setUp(t);
  await addTask(ana, { id: "api" });
  await claimOne(ana);
  writeFileSync(join(root, "a.txt"), "1\n");
  const status = git(home, root, "status", "--porcelain");
  const script = "cat; echo out; echo err >&2; printf '\\033[31mred\\033[0m\\n'; echo 2 >b.txt; exit 7";
  const end = await runCli(["task", "run", "--", "sh", "-c", script], { ...koor, input: "in\n" });
  t.match(end, { code: 7, stdout: "in\nout\n\u001b[31mred\u001b[0m\n", stderr: "err\n" });
  const made = await newest(port);
  t.match(made, { level: "observed", seen_by: "cli", task: "api", name: "ana", exit_code: 7, passed: false });
  t.match(made.command, /^sh -c 'cat; echo out;/);
  t.match(made.tail, /out/);
  t.match(made.tail, /err/);
  t.match(made.tail, /red$/m);
  t.notMatch(made.tail, "\u001b", "without the codes of a terminal");
  t.equal(made.head, git(home, root, "rev-parse", "HEAD"));
  t.not(made.tree_before, made.tree_after, "the command wrote a file");
  t.equal(git(home, root, "status", "--porcelain"), `${status}\n?? b.txt`, "nothing was staged");
  git(home, root, "add", "--all");
  git(home, root, "commit", "--quiet", "--message", "all");
  t.equal(made.tree_after, git(home, root, "rev-parse", "HEAD^{tree}"), "it is git's own id");
  t.match(await runCli(["task", "run", "--", "true"], koor), { code: 0, stdout: "", stderr: "" });
  t.match(await newest(port), { command: "true", passed: true, tree_before: made.tree_after, tail: null });
  const long = await runCli(["task", "run", "--", "sh", "-c", "yes é | head -n 4000"], koor);
  t.equal(long.code, 0);
  t.ok(Buffer.byteLength((await newest(port)).tail ?? "") <= EVIDENCE_TAIL_BYTES_MAX);
  t.match(await runCli(["task", "run", "--", "no-such-program"], koor), { code: 127, stderr: /cannot start/ });
  t.match(await runCli(["task", "run", "--for", "none", "--", "true"], koor), {
    code: 0,
    stderr: /nothing was recorded: task not found: none/,
  });
});

t.test("changes in the index and ignored files do not confuse the tree", { skip }, async (t) => {
  const { port, home, root, koor } = await setUp(t);
  const tree = async (): Promise<string> => {
    await runCli(["task", "run", "--", "true"], koor);
    return must((await newest(port)).tree_after, "a tree");
  };
  const head = (): string => git(home, root, "rev-parse", "HEAD^{tree}");
  t.equal(await tree(), head(), "an empty tree");
  writeFileSync(join(root, ".gitignore"), "build/\n");
  writeFileSync(join(root, "a.txt"), "1\n");
  git(home, root, "add", "--all");
  git(home, root, "commit", "--quiet", "--message", "one");
  t.equal(await tree(), head());
  // The new content has the same length, and is written in the same second as the index, so git cannot detect the
  // change by its size or time.
  writeFileSync(join(root, "a.txt"), "2\n");
  const changed = await tree();
  t.not(changed, head());
  git(home, root, "add", "a.txt");
  t.equal(await tree(), changed, "staged or not");
  writeFileSync(join(root, "a.txt"), "1\n");
  t.equal(await tree(), head(), "the files count, and not the index");
  spawnSync("mkdir", [join(root, "build")]);
  writeFileSync(join(root, "build", "out"), "x");
  t.equal(await tree(), head(), "ignored files do not count");
  git(home, root, "config", "filter.evil.clean", `touch '${join(home, "ran")}'`);
  writeFileSync(join(root, ".gitattributes"), "* filter=evil\n");
  await tree();
  t.throws(() => readFileSync(join(home, "ran")), "no filter of the repository is run");
});

t.test("a signal goes to the command, and a server that is away changes nothing", { skip }, async (t) => {
  const { server, port, koor } = await setUp(t);
  const running = new RunningCli(["task", "run", "--", "sh", "-c", "echo up; exec sleep 600"], koor);
  await running.untilLines(1);
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 128 + 15);
  t.match(await newest(port), { exit_code: 128 + 15, passed: false });
  await server.stop();
  const away = { ...koor, env: { ...koor.env, KOOR_SERVER: await findDeadServer() } };
  const end = await runCli(["task", "run", "--", "sh", "-c", "echo out; exit 3"], away);
  t.match(end, { code: 3, stdout: "out\n", stderr: /^koor: nothing was recorded: / });
});

t.test("task done and task work send the tree of a task that requires evidence", { skip }, async (t) => {
  const { ana, root, koor, port } = await setUp(t);
  await addTask(ana, { id: "api", requires_evidence: ["test -e done"] });
  await claimOne(ana);
  writeFileSync(join(root, "done"), "1");
  await runCli(["task", "run", "--", "test", "-e", "done"], koor);
  writeFileSync(join(root, "other"), "1");
  const early = await runCli(["task", "done", "api"], koor);
  t.match(early, { code: 1, stderr: /evidence missing \(409\)\n.*"why":"tree"/ });
  await runCli(["task", "run", "--", "test", "-e", "done"], koor);
  t.match(await runCli(["task", "done", "api"], koor), { code: 0, stdout: /"state":"done"/ });
  t.match(await runCli(["task", "done", "api", "--evidence", "x"], koor), {
    code: 2,
    stderr: /not the id of a record/,
  });

  const add = ["task", "add", "t", "--requires-evidence", "test  -e done", "--max-attempts", "1"];
  t.equal((await runCli([...add, "--id", "lazy"], koor)).code, 0);
  const lazy = await runCli(["task", "work", "--once", "--", "true"], koor);
  t.equal(lazy.code, 1);
  t.match(await getTask(port, "lazy"), { state: "dead", error: "evidence missing: test -e done (none)" });
  await runCli([...add, "--id", "good"], koor);
  const seen = `exec '${process.execPath}' '${CLI_PROGRAM}' task run -- test -e done`;
  const good = await runCli(["task", "work", "--once", "--", "sh", "-c", seen], koor);
  t.equal(good.code, 0, good.stderr);
  t.match(await getTask(port, "good"), { state: "done" });
  const patched = await runCli(["task", "add", "u", "--id", "u"], koor);
  t.equal(patched.code, 0);
  const update = async (command: string) =>
    (await runCli(["task", "update", "u", "--requires-evidence", command, "--fields", "requires_evidence"], koor))
      .stdout;
  t.equal(await update(" npm  test"), '{"requires_evidence":["npm test"]}\n');
  t.equal(await update(""), '{"requires_evidence":[]}\n');
});

t.test("evidence add says it, and evidence list and get show it", async (t) => {
  const { port, koor } = await setUp(t);
  const add = await runCli(["evidence", "add", "npm  test", "--exit-code", "0", "--duration", "41s"], koor);
  t.match(JSON.parse(add.stdout), {
    level: "said",
    command: "npm test",
    passed: true,
    duration_ms: 41_000,
    tree_after: null,
  });
  t.match(await runCli(["evidence", "list", "--level", "said", "--fields", "command,passed"], koor), {
    stdout: '[{"command":"npm test","passed":true}]\n',
  });
  t.match(await runCli(["evidence", "get", String((await newest(port)).id)], koor), { stdout: /"tail":null/ });
  t.match(await runCli(["evidence", "list"], { ...koor, terminal: 100 }), { stdout: /said +npm test/ });
});

t.test("guard verify finds commits that were not seen to pass", { skip }, async (t) => {
  const { git: run, guard, root, env, write } = await setUpGuarded(t, true);
  const koor = { cwd: root, env };
  const commit = async (path: string): Promise<string> => {
    write(path);
    await run(["add", path]);
    await run(["commit", "--quiet", "--message", path]);
    return (await run(["rev-parse", "HEAD"])).stdout;
  };
  const start = (await run(["rev-parse", "HEAD"])).stdout;
  const one = await commit("one.ts");
  t.equal((await runCli(["task", "run", "--", "true"], koor)).code, 0);
  t.equal((await runCli(["evidence", "add", "make", "--exit-code", "0"], koor)).code, 0);
  const two = await commit("two.ts");
  t.equal((await runCli(["task", "run", "--", "false"], koor)).code, 1);
  const range = `${start}..HEAD`;
  t.match(await guard(["verify", range]), { code: 0, stdout: `${one} free\n${two} free\n` });
  const verified = await guard(["verify", "--evidence", "true", range]);
  t.match(verified, { code: 1, stdout: `${one} free\n${two} unproven\n` });
  t.equal(verified.stderr.trim(), `koor: ${two} was not seen to pass: true`);
  const json = await guard(["verify", "--json", "--evidence", "true", "--evidence", "make", range]);
  t.match(JSON.parse(json.stdout), {
    commits: [
      { commit: one, verdict: "unproven", unproven: ["make"] },
      { commit: two, verdict: "unproven", unproven: ["true", "make"] },
    ],
  });
  t.equal((await runCli(["ci", "run", "--", "true"], koor)).code, 0);
  t.match(await guard(["verify", "--evidence", "true", range]), { code: 0, stdout: `${one} free\n${two} free\n` });
  const byCi = ["verify", "--evidence", "true", "--level", "ci", range];
  t.match(
    await guard(byCi),
    { code: 1, stdout: `${one} unproven\n${two} free\n` },
    "what agents have run proves nothing",
  );
  t.match(await guard(["verify", "--evidence", "true", "--level", "said", range]), { code: 2 });
  t.match(await guard(["verify", "--evidence", "", range]), { code: 2 });
});

t.test("failed runs that any agent reports do not hide the one that passed", { skip }, async (t) => {
  const { git: run, guard, root, env, server } = await setUpGuarded(t, true);
  const head = (await run(["rev-parse", "HEAD"])).stdout;
  await run(["commit", "--quiet", "--allow-empty", "--message", "same files"]);
  const tree = (await run(["rev-parse", "HEAD^{tree}"])).stdout;
  t.equal((await runCli(["task", "run", "--", "true"], { cwd: root, env })).code, 0);
  const failed = { command: "true", seen_by: "cli", exit_code: 1, task: null, tree_before: tree, tree_after: tree };
  for (let n = 0; n < 1_001; n += 13)
    await Promise.all(Array.from({ length: 13 }, () => sendJson(server.port, "POST", "/api/evidence", failed)));
  t.match(await guard(["verify", "--evidence", "true", `${head}..HEAD`]), { code: 0, stdout: /^\w+ free\n$/ });
});

interface Step {
  readonly run?: string;
  readonly if?: string;
}
interface Workflow {
  readonly jobs: { readonly test: { readonly env: Readonly<Record<string, string>>; readonly steps: readonly Step[] } };
}

t.test("the workflow for GitHub Actions reports, verifies and makes a task of a red build", { skip }, async (t) => {
  const text = readFileSync(new URL("examples/ci/koor.yml", ROOT), "utf8");
  const page = readFileSync(new URL("docs/evidence.md", ROOT), "utf8");
  t.match(page, `\n\`\`\`yaml\n${text}\`\`\`\n`, "the page shows it whole");
  const { env: names, steps } = (parse(text) as Workflow).jobs.test;
  t.same(Object.keys(names).toSorted(), ["KOOR_SERVER", "KOOR_TOKEN"]);

  const [token, ciToken] = ["the-server's-own-token", "the-token-of-ci-only"];
  const server = await startKoor(t, { args: ["--auth-token", token, "--ci-token", ciToken] });
  const home = makeDirectory(t);
  const root = makeRepository(home, join(home, "trucks"));
  const bin = join(home, "bin");
  spawnSync("mkdir", [bin]);
  writeScript(join(bin, "koor"), `exec '${process.execPath}' '${CLI_PROGRAM}' "$@"`);
  writeScript(join(bin, "npm"), "exec sh ./test.sh");
  const base = gitEnvironment(home);
  const env = { ...base, PATH: `${bin}:${base["PATH"] ?? ""}`, KOOR_SERVER: server.url, KOOR_TOKEN: ciToken };
  const by = { Authorization: `Bearer ${token}` };

  /**
   * Runs the steps as GitHub Actions does: after a failed step, only the steps that ask for it. Returns their exit
   * codes.
   */
  const build = async (): Promise<number[]> => {
    const codes: number[] = [];
    for (const step of steps) {
      const isRed = codes.some((code) => code !== 0);
      if (step.run === undefined || isRed !== (step.if === "failure()")) continue;
      const sha = git(home, root, "rev-parse", "HEAD");
      const end = spawnSync("bash", ["-e", "-c", step.run], { cwd: root, env: { ...env, GITHUB_SHA: sha } });
      codes.push(must(end.status, step.run));
    }
    return codes;
  };
  const commit = (script: string): string => {
    writeFileSync(join(root, "test.sh"), script);
    git(home, root, "add", "--all");
    git(home, root, "commit", "--quiet", "--message", script.trim());
    return git(home, root, "rev-parse", "HEAD");
  };

  commit("echo fine\n");
  t.same(await build(), [0, 0], "a green build");
  const [seen] = (await send(server.port, "GET", "/api/evidence", { headers: by })).json<ListedEvidence[]>();
  t.match(seen, { level: "ci", name: "ci", command: "npm test", passed: true });
  t.equal(seen?.tree_after, git(home, root, "rev-parse", "HEAD^{tree}"));
  const red = commit("exit 4\n");
  t.same(await build(), [4, 0], "a red build makes a task");
  t.same(await build(), [4, 0], "once");
  const { tasks } = (await send(server.port, "GET", "/api/tasks", { headers: by })).json<{ tasks: { id: string }[] }>();
  t.same(
    tasks.map(({ id }) => id),
    [`ci:red:${red}`],
  );
});
