/**
 * Tests `koor land` with real git repositories, a bare remote and a real server: what lands, in which order, and the
 * consequences of a failed landing. cli-land-deaths.test.ts tests landings that are killed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";

import { checkKeyOf } from "../cli/land/lane.js";
import { checkRecipe, NO_GIT, writeScript } from "./cli/guarded.js";
import { answerOf, holdLane, setUpLanding, type LandingBench } from "./cli/landing.js";
import { runCli } from "./cli/run-cli.js";
import { Agent } from "./support/leasing.js";

const skip = NO_GIT;

/** Returns the subjects of the commits on the remote's `main`, oldest first. The first commit is left out. */
function landedSubjects({ inRemote }: LandingBench): string[] {
  return inRemote("log", "--reverse", "--format=%s", "main").split("\n").slice(1);
}

async function tasksOf({ agent }: Awaited<ReturnType<LandingBench["join"]>>) {
  const { tasks } = (await agent.ask("GET", `/api/tasks?assignee=${agent.id}&label=land`)).json<{
    tasks: { id: string; state: string; title: string }[];
  }>();
  return await Promise.all(
    tasks.map(async ({ id }) =>
      (await agent.ask("GET", `/api/tasks/${id}`)).json<{ state: string; title: string; body: string; id: string }>(),
    ),
  );
}

t.test("a branch lands: rebased, checked, with the fence of the lane", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const { inRemote, lane, scratch } = bench;
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("tax", { "tax.ts": "1\n" });
  const head = ana.commit("tax", { "tax.ts": "2\n", "é b.ts": "1\n" });
  ben.git("checkout", "--quiet", "main");
  ben.git("commit", "--quiet", "--allow-empty", "--message", "meanwhile");
  ben.git("push", "--quiet", "origin", "main");
  writeFileSync(join(ana.root, "tax.ts"), "not committed\n");
  const out = join(bench.top, "checked");
  const check = `echo "$KOOR_LAND $KOOR_LAND_HEAD $(git rev-parse HEAD) $(cat tax.ts)" >'${out}'; pwd >>'${out}'`;
  const end = await ana.land(["--check", check]);
  t.equal(end.code, 0, end.stderr);
  const answer = answerOf(end);
  const landed = inRemote("rev-parse", "main");
  t.match(answer, {
    result: "landed",
    lane,
    branch: "tax",
    head,
    into: "main",
    commit: landed,
    commits: 2,
    attempts: 1,
  });
  t.equal(answer.onto, ben.git("rev-parse", "HEAD"));
  t.same(landedSubjects(bench), ["meanwhile", "tax: tax.ts", "tax: tax.ts é b.ts"]);
  const trailers = "--format=%(trailers:key=Koor-Fence,valueonly,separator=%x2C)";
  t.equal(inRemote("log", "-2", trailers, "main"), `${answer.fence}\n${answer.fence}`);
  t.equal(
    inRemote("log", "-2", "--format=%ad", "--date=raw", "main"),
    ana.git("log", "-2", "--format=%ad", "--date=raw"),
  );
  const [checked, place] = readFileSync(out, "utf8").split("\n");
  t.equal(checked, `1 ${landed} ${landed} 2`, "the check ran on exactly what landed");
  t.not(place, ana.root);
  t.same(scratch(), [], "the scratch worktree is gone");
  t.equal(ana.git("worktree", "list").split("\n").length, 1);
  t.equal(ana.git("rev-parse", "tax"), head, "the branch itself stays");
  t.equal(readFileSync(join(ana.root, "tax.ts"), "utf8"), "not committed\n");
  t.match(
    (await bench.events()).map(({ topic, data }) => [topic, data["commit"], data["fence"]]),
    [
      ["land.pushing", landed, answer.fence],
      ["land.landed", landed, answer.fence],
    ],
  );
  const lease = await ana.agent.ask("GET", `/api/leases?state=released&holder=${ana.agent.id}`);
  t.match(lease.json<{ leases: object[] }>().leases, [
    { resources: [`name:land@${lane}`], reason: `land tax at ${head}`, ttl_s: 60, max_s: 60 },
  ]);

  const again = await ana.land([]);
  t.match(answerOf(again), { result: "landed", commit: landed, commits: 2, fence: answer.fence }, "it has landed");
  t.equal(again.code, 0);
  ana.git("checkout", "--quiet", "--force", "-b", "empty", "origin/main");
  const nothing = await ana.land([]);
  t.match(answerOf(nothing), { result: "nothing", commits: 0, task: null });
  t.equal(nothing.code, 0);
  t.equal(inRemote("rev-parse", "main"), landed);
  t.equal((await bench.events()).length, 2, "nothing to land publishes nothing");
});

t.test("a batch lands together, without the branches that conflict or fail", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const gate = await holdLane(bench);
  const out = join(bench.top, "checked");
  const check = `git log -1 --format=%s >>'${out}'; test ! -e bad.txt`;
  const clone = await bench.join("a");
  const names = ["a", "b", "c", "d", "e", "f"];
  const landings: ReturnType<typeof clone.land>[] = [];
  for (const name of names) {
    const agent = name === "a" ? clone.agent : await Agent.register(bench.port, name, { workspace: bench.workspace });
    const files = { b: { "a.txt": "b\n" }, d: { "bad.txt": "d\n" } }[name] ?? { [`${name}.txt`]: `${name}\n` };
    clone.commit(`from-${name}`, files);
    const words = [`from-${name}`, "--check", name === "f" ? `true; ${check}` : check, "--batch", "6"];
    landings.push(clone.land(words, { KOOR_INSTANCE: agent.id }));
    await gate.nextWaiting();
  }
  // Another agent requests the turn for a commit that no landing of the repository has requested. It may be on any
  // machine.
  const unwanted = clone.commit("from-x", { "x.txt": "x\n" });
  const other = await Agent.register(bench.port, "x", { workspace: bench.workspace });
  const reason = `land from-x at ${unwanted}, check ${checkKeyOf(check) ?? ""}`;
  await other.lease([`name:land@${bench.lane}`], { queue: true, reason });
  t.equal(clone.git("for-each-ref", "--format=x", "refs/koor/").split("\n").length, names.length);
  await gate.letGo();
  const ends = await Promise.all(landings);
  t.equal(clone.git("for-each-ref", "refs/koor/"), "");
  t.same(
    ends.map(({ code }) => code),
    [0, 1, 0, 1, 0, 0],
    ends.map(({ stderr }) => stderr).join(""),
  );
  const answers = ends.map(answerOf);
  t.match(answers, [
    { result: "landed" },
    { result: "conflict", files: ["a.txt"] },
    { result: "landed", fence: answers[0]?.fence },
    { result: "failed", reason: "check" },
    { result: "landed" },
    { result: "landed" },
  ]);
  t.not(answers[5]?.fence, answers[0]?.fence, "another check is not of the batch");
  const landed = [0, 2, 4, 5].map((at) => answers[at]?.commit);
  t.same(new Set(bench.inRemote("rev-list", "main").split("\n").slice(0, -1)), new Set(landed));
  t.same(
    landedSubjects(bench),
    ["a", "c", "e", "f"].map((name) => `from-${name}: ${name}.txt`),
  );
  t.match(
    readFileSync(out, "utf8").split("\n").slice(0, 3),
    ["from-e: e.txt", "from-c: c.txt", "from-d: bad.txt"],
    "all of the batch, then half of it, then what is between",
  );
  const results = (await bench.events()).filter(({ topic }) => topic === "land.landed");
  t.same(
    results.map(({ data }) => [data["branch"], (data["holder"] as { name: string }).name]),
    ["a", "c", "e", "f"].map((name) => [`from-${name}`, name]),
    "each has one result",
  );
  t.same(bench.scratch(), []);
});

t.test("five at once land one after the other, in the order of the queue", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const gate = await holdLane(bench);
  const out = join(bench.top, "checked");
  const landings: ReturnType<typeof runCli>[] = [];
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    const one = await bench.join(name);
    one.commit(`from-${name}`, { [`${name}.txt`]: `${name}\n` });
    landings.push(one.land(["--check", `echo "begin $(git rev-parse HEAD)" >>'${out}'; echo end >>'${out}'`]));
    await gate.nextWaiting();
  }
  const queue = await runCli(["land", "--queue"], { cwd: join(bench.top, "a"), env: (await bench.join("f")).env });
  t.match(JSON.parse(queue.stdout), {
    lane: bench.lane,
    average_ms: null,
    landings: [
      { state: "landing", branch: null, position: 0, holder: { name: "gate" }, estimate_s: null },
      ...names.map((name, at) => ({ state: "waiting", branch: `from-${name}`, position: at + 1, holder: { name } })),
    ],
  });
  await gate.letGo();
  const ends = await Promise.all(landings);
  t.same(
    ends.map(({ code }) => code),
    names.map(() => 0),
    ends.map(({ stderr }) => stderr).join(""),
  );
  const commits = ends.map((end) => answerOf(end).commit);
  t.same(
    bench.inRemote("rev-list", "--reverse", "main").split("\n").slice(1),
    commits,
    "each landed once, in the order of the queue, in a line",
  );
  t.same(
    readFileSync(out, "utf8").trimEnd().split("\n"),
    commits.flatMap((commit) => [`begin ${commit}`, "end"]),
    "each check ran on what landed, and none beside another",
  );
  t.same(bench.scratch(), []);
  const after = await runCli(["land", "--queue"], { cwd: join(bench.top, "a"), env: (await bench.join("g")).env });
  const { average_ms, landings: left } = JSON.parse(after.stdout) as { average_ms: number; landings: object[] };
  t.ok(average_ms > 0);
  t.same(left, []);
});

t.test("landings of one instance follow each other, too", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("one", { "one.txt": "1\n" });
  ana.commit("two", { "two.txt": "2\n" });
  const fifo = join(bench.top, "fifo");
  const out = join(bench.top, "order");
  await runFifo(fifo);
  const first = ana.land(["one", "--check", `echo 1 >>'${out}'; cat '${fifo}'; echo 1 >>'${out}'`]);
  const granted = async (count: number): Promise<void> => {
    for (let after = 0, found = 0; found < count; ) {
      const path = `/api/events/history?topic=lease.granted&after=${after}&wait=60`;
      for (const event of (await ana.agent.ask("GET", path)).json<{ id: number; data: { workspace: string } }[]>()) {
        after = event.id;
        if (event.data.workspace === bench.workspace) found += 1;
      }
    }
  };
  await granted(1);
  const second = ana.land(["two", "--check", `echo 2 >>'${out}'`]);
  await granted(2);
  // Opening the pipe for writing waits for its reader. The reader runs in this process, so the write must be
  // asynchronous.
  await writeFile(fifo, "go\n");
  const ends = await Promise.all([first, second]);
  t.same(
    ends.map(({ code }) => code),
    [0, 0],
    ends.map(({ stderr }) => stderr).join(""),
  );
  t.equal(readFileSync(out, "utf8"), "1\n1\n2\n");
  t.same(landedSubjects(bench), ["one: one.txt", "two: two.txt"]);
});

t.test("git that does not end is stopped, and the lane is free", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "tax.ts": "1\n" });
  const url = ana.git("remote", "get-url", "origin");
  ana.git("remote", "set-url", "origin", "ssh://example.invalid/trucks");
  // In place of ssh a program that reads what git says, and answers nothing.
  const silent = { GIT_SSH_COMMAND: "sh -c 'cat >/dev/null' ssh", GIT_SSH_VARIANT: "simple" };
  const end = await ana.land([], { ...silent, KOOR_GIT_LIMIT: "2s" });
  t.match(end, { code: 3, stderr: /git fetch did not end within 2s: KOOR_GIT_LIMIT sets another limit/ });
  for (const limit of ["soon", "0s", "25h"])
    t.match(await ana.land([], { KOOR_GIT_LIMIT: limit }), { code: 3, stderr: /KOOR_GIT_LIMIT must be a duration/ });
  ana.git("remote", "set-url", "origin", url);
  t.equal((await ana.land([])).code, 0);
});

async function runFifo(path: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  execFileSync("mkfifo", [path]);
}

t.test("a conflict becomes a task, and the lane continues", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("ours", { "base.txt": "ana\n", "other.txt": "1\n" });
  ben.commit("theirs", { "base.txt": "ben\n" });
  t.equal((await ana.land()).code, 0);
  const end = await ben.land(["--check", "exit 9"]);
  t.equal(end.code, 1);
  t.match(end.stderr, /theirs conflicts with main in base\.txt \(task-\d+\)/);
  const answer = answerOf(end);
  t.match(answer, { result: "conflict", files: ["base.txt"], commit: ben.git("rev-parse", "theirs"), exit_code: null });
  const [task, ...others] = await tasksOf(ben);
  t.same(others, []);
  t.match(task, { id: answer.task, state: "ready", title: "Resolve the conflict of theirs with main" });
  t.match(task?.body, /conflicts in:\n\n {2}base\.txt\n/);
  t.match(await bench.events().then((events) => events.at(-1)), {
    topic: "land.conflict",
    data: { files: ["base.txt"], branch: "theirs" },
  });

  ana.git("fetch", "--quiet");
  ana.commit("next", { "next.txt": "1\n" });
  t.equal((await ana.land()).code, 0, "the lane is free");
  t.equal((await ben.land()).code, 1);
  t.match(await tasksOf(ben), [{ id: answer.task }], "the branch has one task");

  ben.git("fetch", "--quiet");
  ben.git("reset", "--quiet", "--hard", "origin/main");
  ben.commit("theirs", { "base.txt": "both\n" });
  t.equal((await ben.land()).code, 0);
  t.match(await tasksOf(ben), [{ id: answer.task, state: "canceled" }], "it has landed");
  t.same(bench.scratch(), []);
});

t.test("the task names a command that a shell runs as it is", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("it's;$(id)", { "tax.ts": "1\n" });
  t.equal((await ana.land(["--check", "exit 4"])).code, 1);
  const [task] = await tasksOf(ana);
  t.match(task?.body, "land it again: koor land 'it'\\''s;$(id)' --check …");
});

t.test("a failed check becomes a task of the owner with the end of its output", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("tax", { "tax.ts": "1\n" });
  const before = bench.inRemote("rev-parse", "main");
  const lines = 'i=0; while [ $i -lt 150 ]; do echo "line $i"; i=$((i+1)); done; echo bad >&2; exit 4';
  const end = await ana.land(["--check", lines, "--owner", "ben"]);
  t.equal(end.code, 1);
  const answer = answerOf(end);
  t.match(answer, { result: "failed", reason: "check", exit_code: 4, owner: "ben" });
  t.equal(answer.log?.length, 100);
  t.ok(answer.log?.includes("line 149"));
  t.ok(answer.log?.includes("bad"));
  t.notOk(answer.log?.includes("line 5"));
  t.match(end.stderr, /line 0\n/, "stderr has all of it");
  t.equal(bench.inRemote("rev-parse", "main"), before);
  const task = (await ben.agent.ask("GET", `/api/tasks/${answer.task ?? ""}`)).json();
  t.match(task, {
    assignee: "ben",
    title: "Mend tax: its check fails on main",
    labels: ["land", /^land-[0-9a-f]{16}$/],
  });
  t.match(task, { body: /exit code 4[\s\S]*line 149/ });
  const last = (await bench.events()).at(-1);
  t.match(last, { topic: "land.failed", data: { reason: "check", exit_code: 4 } });
  t.notOk("log" in (last?.data ?? {}), "the output is for its owner");
  t.same(bench.scratch(), []);
});

t.test("a push from outside begins again on the new head, at most five times", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("tax", { "tax.ts": "1\n" });
  ben.git("checkout", "--quiet", "main");
  const flag = join(bench.top, "flag");
  const push = `git -C '${ben.root}' commit -q --allow-empty -m outside && git -C '${ben.root}' push -q origin main`;
  const once = await ana.land(["--check", `[ -e '${flag}' ] || { touch '${flag}'; ${push}; }`]);
  t.equal(once.code, 0, once.stderr);
  t.match(answerOf(once), { attempts: 2 });
  t.same(landedSubjects(bench), ["outside", "tax: tax.ts"]);
  ben.git("pull", "--quiet");
  ana.commit("tax", { "tax.ts": "2\n" });
  const never = await ana.land(["--check", push]);
  t.equal(never.code, 1);
  t.match(answerOf(never), { result: "failed", reason: "raced", attempts: 5, task: /^task-/ });
  t.equal(landedSubjects(bench).length, 7);
  const topics = (await bench.events()).slice(3).map(({ topic }) => topic);
  t.same(topics, [...Array.from({ length: 5 }, () => "land.pushing"), "land.failed"]);
});

t.test("a push that the remote refuses has failed; one that cannot reach it says nothing", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "tax.ts": "1\n" });
  writeScript(join(bench.remote, "hooks", "pre-receive"), "echo 'not on fridays' >&2; exit 1");
  const end = await ana.land();
  t.equal(end.code, 1);
  t.match(answerOf(end), { result: "failed", reason: "push", task: /^task-/ });
  t.match(answerOf(end).log?.join("\n"), /not on fridays/);
  ana.git("remote", "set-url", "origin", join(bench.top, "elsewhere", `${bench.workspace}.git`));
  const away = await ana.land();
  t.match(away, { code: 3, stdout: "", stderr: /cannot fetch main from origin/ });
  t.match((await bench.events()).at(-1), { topic: "land.failed", data: { reason: "error" } });
});

t.test("without a remote the branch of the repository is moved", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "tax.ts": "1\n" });
  // Sets the name that the workspace has with the remote.
  const env = { KOOR_WORKSPACE: bench.workspace };
  ana.git("remote", "remove", "origin");
  t.match(await ana.land(["--remote", "origin"], env), { code: 2, stderr: /there is no remote origin/ });
  const first = answerOf(await ana.land([], env));
  t.match(first, { result: "landed", commits: 1 });
  t.equal(ana.git("rev-parse", "main"), first.commit);

  const tree = join(bench.top, "main-tree");
  ana.git("worktree", "add", "--quiet", tree, "main");
  ana.commit("tax", { "tax.ts": "2\n" });
  writeFileSync(join(tree, "base.txt"), "changed\n");
  const refused = await ana.land([], env);
  t.match(refused, {
    code: 1,
    stdout: "",
    stderr: /main is checked out in .*main-tree with uncommitted changes\ncommit/,
  });
  t.equal(ana.git("rev-parse", "main"), first.commit);
  writeFileSync(join(tree, "base.txt"), "base\n");
  const second = answerOf(await ana.land([], env));
  t.equal(ana.git("rev-parse", "main"), second.commit);
  t.equal(readFileSync(join(tree, "tax.ts"), "utf8"), "2\n", "the tree moves with its branch");
  t.equal(ana.git("-C", tree, "status", "--porcelain"), "");
  t.notOk(existsSync(join(tree, ".git", "index.lock")));
});

t.test("wrong usage, and a server that is away", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "tax.ts": "1\n" });
  for (const [words, says] of [
    [["nothing"], /there is no branch nothing here/],
    [["main"], /main cannot be landed into itself/],
    [["--check", " "], /--check must not be empty/],
    [["--queue", "--check", "x"], /--queue takes only --into/],
    [["--remote", "x"], /there is no remote x/],
  ] as const)
    t.match(await ana.land(words), { code: 2, stdout: "", stderr: says }, words.join(" "));
  ana.git("checkout", "--quiet", "--detach");
  t.match(await ana.land(), { code: 2, stderr: /HEAD is detached/ });
  t.match(await ana.land(["tax", "--into", "none"]), { code: 3, stderr: /cannot fetch none from origin/ });
  t.match(await ana.land(["tax"], { KOOR_SERVER: "http://127.0.0.1:1" }), { code: 3, stdout: "" });
  t.match(await ana.land(["tax"], { KOOR_INSTANCE: "" }), { code: 1, stdout: "", stderr: /this needs an instance/ });
  const gate = await holdLane(bench);
  t.match(await ana.land(["tax", "--wait", "10ms"]), { code: 1, stderr: /no lease within 0.01s: leased by gate/ });
  await gate.letGo();
});

t.test("a person at a terminal sees the position and the steps", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "tax.ts": "1\n" });
  const first = answerOf(await ana.land(["--check", "true"]));
  ana.git("fetch", "--quiet");
  ana.commit("fix", { "fix.ts": "1\n" });
  const gate = await holdLane(bench);
  const landing = runCli(["land"], { cwd: ana.root, env: { ...ana.env, NO_COLOR: "1" }, terminal: 200 });
  await gate.nextWaiting();
  const queue = await runCli(["land", "--queue"], { cwd: ana.root, env: { ...ana.env, NO_COLOR: "1" }, terminal: 200 });
  t.match(queue.stdout, /^POSITION +STATE +BRANCH +HOLDER/m);
  t.match(queue.stdout, /^ *1 +waiting +fix +ana /m);
  await gate.letGo();
  const { code, stdout, stderr } = await landing;
  t.equal(code, 0, stderr);
  t.match(stdout, /^result +landed$/m);
  const lane = bench.lane.replaceAll("/", "\\/");
  t.match(stderr, new RegExp(`position 1 in the lane ${lane}, about \\d+s until it has landed\n`));
  t.match(stderr, new RegExp(`rebasing fix on ${first.commit}\n.*pushing [0-9a-f]{40}\n`, "s"));
});

t.test("the recipe of docs/landing.md works", { skip: NO_GIT }, async (t) => {
  await checkRecipe(t, "docs/landing.md");
});
