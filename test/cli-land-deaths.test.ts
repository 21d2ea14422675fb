/**
 * Tests landings of `koor land` that are killed or stopped at each step, with real git repositories and a real server.
 * The target must get all of a landing or nothing, and the next landing must work.
 */
import { join } from "node:path";
import t, { type Test } from "tap";

import { NO_GIT, writeScript } from "./cli/guarded.js";
import { answerOf, GIT, holdLane, setUpLanding, type Lander, type LandingBench } from "./cli/landing.js";
import { send, sendJson } from "./support/http-client.js";
import { sampleRows } from "./support/test-size.js";

const skip = NO_GIT;

/** Returns a PATH with a program `git` that kills its parent process, before or after one of the commands of git. */
function deadlyGit(bench: LandingBench, command: string, when: "before" | "after"): string {
  const folder = join(bench.top, `git-${command}-${when}`);
  const kill = "kill -9 $PPID";
  const run = `'${GIT}' "$@"`;
  const steps = when === "before" ? `${kill}; exit 1` : `${run}; ${kill}; exit 1`;
  writeScript(join(folder, "git"), `case " $* " in *" ${command} "*) ${steps};; esac\nexec ${run}`);
  return `${folder}:${process.env["PATH"] ?? ""}`;
}

/** Breaks the lease of a dead landing. Without this, the lease would expire after its ttl. */
async function breakLane({ port, workspace }: LandingBench): Promise<void> {
  const { leases } = (await send(port, "GET", `/api/leases?workspace=${workspace}`)).json<{
    leases: { id: string }[];
  }>();
  for (const { id } of leases)
    await sendJson(port, "POST", `/api/leases/${id}/break`, { reason: "its process is dead" });
}

async function landAfter(t: Test, bench: LandingBench, ben: Lander): Promise<void> {
  const end = await ben.land(["--check", "test -e ben.txt"]);
  t.equal(end.code, 0, end.stderr);
  t.equal(bench.inRemote("rev-parse", "main"), answerOf(end).commit);
}

/** The steps at which a landing is killed, and whether the branch has landed at this step. */
const STEPS: readonly (readonly [command: string, when: "before" | "after", lands: boolean])[] = [
  ["worktree add", "before", false],
  ["worktree add", "after", false],
  ["fetch", "before", false],
  ["fetch", "after", false],
  ["rebase", "before", false],
  ["rebase", "after", false],
  ["interpret-trailers", "before", false],
  ["reset", "after", false],
];
/** The steps around the push, which is the only step that others can see. */
const AROUND_PUSH: typeof STEPS = [
  ["push", "before", false],
  ["push", "after", true],
];

for (const [command, when, lands] of [...sampleRows(STEPS, 2), ...AROUND_PUSH]) {
  t.test(`killed ${when} git ${command}`, { skip }, async (t) => {
    const bench = await setUpLanding(t);
    const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
    ana.commit("tax", { "ana.txt": "1\n" });
    ben.commit("fix", { "ben.txt": "1\n" });
    const before = bench.inRemote("rev-parse", "main");
    const killed = await ana.landApart(["--check", "true"], { PATH: deadlyGit(bench, command, when) });
    t.match(killed, { code: null, stdout: "" }, killed.stderr);
    const now = bench.inRemote("rev-parse", "main");
    t.equal(now !== before, lands, "all of it or nothing");
    await breakLane(bench);
    await landAfter(t, bench, ben);
    const events = await bench.events();
    const own = events.filter(({ data }) => data["branch"] === "tax").map(({ topic, data }) => [topic, data["reason"]]);
    if (lands)
      t.same(
        own,
        [
          ["land.pushing", null],
          ["land.landed", null],
        ],
        "the next landing published it",
      );
    else if (command === "push")
      t.same(own, [
        ["land.pushing", null],
        ["land.failed", "died"],
      ]);
    else t.same(own, []);

    const again = await ana.land(["--check", "true"]);
    t.match(answerOf(again), { result: "landed", ...(lands ? { commit: now } : {}) });
    t.equal(bench.inRemote("rev-list", "--count", "main"), "3", "each landed once");
    t.same(bench.scratch(), [], "the scratch worktree of the dead landing is gone");
    t.equal(ana.git("worktree", "list").split("\n").length, 1);
  });
}

t.test("a landing that is killed in its check ends by its ttl, however alive its agent is", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("tax", { "ana.txt": "1\n" });
  ben.commit("fix", { "ben.txt": "1\n" });
  const killed = await ana.landApart(["--check", "kill -9 $PPID", "--ttl", "2s"]);
  t.equal(killed.code, null, killed.stderr);
  const over = new AbortController();
  const landing = landAfter(t, bench, ben).finally(() => over.abort());
  while (!over.signal.aborted) await ana.agent.ask("GET", `/api/instances/${ana.agent.id}`);
  await landing;
});

t.test("a landing that pushed and died is published by the same command again", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "ana.txt": "1\n" });
  await ana.landApart([], { PATH: deadlyGit(bench, "push", "after") });
  await breakLane(bench);
  t.match(answerOf(await ana.land()), { result: "landed", commit: bench.inRemote("rev-parse", "main") });
  t.same(
    (await bench.events()).map(({ topic }) => topic),
    ["land.pushing", "land.landed"],
  );
});

t.test("a signal stops the check, and cleans up", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "ana.txt": "1\n" });
  const before = bench.inRemote("rev-parse", "main");
  const running = ana.start(["--check", "echo ready; exec tail -f /dev/null"]);
  await running.until("the check runs", () => running.stderr.includes("ready"));
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 143);
  t.match((await bench.events()).at(-1), { topic: "land.failed", data: { reason: "stopped" } });
  const { leases } = (await ana.agent.ask("GET", `/api/leases?holder=${ana.agent.id}&state=all`)).json<{
    leases: { state: string }[];
  }>();
  t.match(leases, [{ state: "released" }]);
  t.same(bench.scratch(), []);
  t.equal(bench.inRemote("rev-parse", "main"), before);
});

t.test("a landing that is stopped in the queue leaves it", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "ana.txt": "1\n" });
  const gate = await holdLane(bench);
  const running = ana.start();
  await gate.nextWaiting();
  running.child.kill("SIGINT");
  t.equal(await running.exit(), 130);
  const waiting = await ana.agent.ask("GET", `/api/leases?workspace=${bench.workspace}&state=waiting`);
  t.same(waiting.json(), { leases: [] });
  t.same(await bench.events(), [], "it had no turn");
  await gate.letGo();
});

t.test("a landing whose server is gone stops before the push", { skip }, async (t) => {
  const bench = await setUpLanding(t, true);
  const ana = await bench.join("ana");
  ana.commit("tax", { "ana.txt": "1\n" });
  const before = bench.inRemote("rev-parse", "main");
  const running = ana.start(["--ttl", "2s", "--check", "echo ready; exec tail -f /dev/null"]);
  await running.until("the check runs", () => running.stderr.includes("ready"));
  await bench.server.stop("SIGKILL");
  t.equal(await running.exit(), 3);
  t.match(running.stderr, /is lost \(the server has not answered within its ttl\)/);
  t.equal(bench.inRemote("rev-parse", "main"), before);
  t.same(bench.scratch(), []);
});

t.test("a landing whose lease is broken ends its check and pushes nothing", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const ana = await bench.join("ana");
  ana.commit("tax", { "ana.txt": "1\n" });
  const before = bench.inRemote("rev-parse", "main");
  const running = ana.start(["--ttl", "3s", "--check", "echo ready; exec tail -f /dev/null"]);
  await running.until("the check runs", () => running.stderr.includes("ready"));
  await breakLane(bench);
  t.equal(await running.exit(), 1);
  t.match(running.stderr, /the lease lease-\d+ is lost/);
  t.match((await bench.events()).at(-1), { topic: "land.failed", data: { reason: "lost" } });
  t.same(bench.scratch(), []);

  // The check itself breaks the lease, so only the renewal before the push can detect it.
  const url = `http://127.0.0.1:${bench.port}/api/leases`;
  const script = `for id in $(curl -s '${url}?workspace=${bench.workspace}' | grep -o 'lease-[0-9]*'); do
    curl -s "${url}/$id/break" -d '{"reason":"in the check"}'; done`;
  const late = await ana.land(["--check", script]);
  t.match(late, { code: 1, stdout: "", stderr: /lease lost/ });
  t.equal(bench.inRemote("rev-parse", "main"), before);
});

t.test("a push of which no answer comes is found out by the next landing", { skip }, async (t) => {
  const bench = await setUpLanding(t);
  const [ana, ben] = [await bench.join("ana"), await bench.join("ben")];
  ana.commit("tax", { "ana.txt": "1\n" });
  ben.commit("fix", { "ben.txt": "1\n" });
  const folder = join(bench.top, "git-cut");
  const flag = join(bench.top, "cut");
  // The connection is cut after the push has arrived.
  const steps = `*" push "*) '${GIT}' "$@"; touch '${flag}'; exit 1;; *" fetch "*) [ -e '${flag}' ] && exit 1;;`;
  writeScript(join(folder, "git"), `case " $* " in ${steps} esac\nexec '${GIT}' "$@"`);
  const cut = await ana.land([], { PATH: `${folder}:${process.env["PATH"] ?? ""}` });
  t.match(cut, { code: 3, stdout: "", stderr: /cannot fetch main from origin/ });
  const commit = bench.inRemote("rev-parse", "main");
  t.same(
    (await bench.events()).map(({ topic }) => topic),
    ["land.pushing"],
    "it is not said to have failed",
  );
  t.equal((await ben.land()).code, 0);
  t.match((await bench.events())[1], { topic: "land.landed", data: { branch: "tax", commit } });
});
