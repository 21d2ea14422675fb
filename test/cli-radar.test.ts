/**
 * Tests the radar's commands against a real server, with two checkouts of one repository, and commits under the guard.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import type { Overlap } from "../schemas/radar.js";
import { FakeServer, replyError, replyJson } from "./cli/fake-server.js";
import { git as plainGit } from "./cli/git.js";
import { checkRecipe, NO_GIT, setUpGuarded } from "./cli/guarded.js";
import { runCli, RunningCli } from "./cli/run-cli.js";
import { send } from "./support/http-client.js";
import { longFormOnly } from "./support/test-size.js";

const skip = NO_GIT;
const nine = (changed = 0, text = ""): string =>
  Array.from({ length: 9 }, (_, at) => `${at + 1 === changed ? text : at + 1}\n`).join("");

/** Makes a repository with a second working tree. The radar can be run in both. */
async function setUp(t: Parameters<typeof setUpGuarded>[0]) {
  const bench = await setUpGuarded(t);
  const { git, write, root, top, home, env, workspace, server } = bench;
  write("a.ts", nine());
  write("b.ts", nine());
  await git(["add", "."]);
  await git(["commit", "--quiet", "--message", "begin"]);
  const other = join(top, "other");
  plainGit(home, root, "worktree", "add", "--quiet", "-b", "feature", other);
  const radar = async (words: readonly string[], cwd = root, more: object = {}) =>
    await runCli(["radar", ...words], { cwd, env: { ...env, ...more } });
  const overlapsIn = async (): Promise<readonly Overlap[]> => {
    const answer = await send(server.port, "GET", `/api/radar?workspace=${workspace}`);
    return answer.json<{ overlaps: readonly Overlap[] }>().overlaps;
  };
  return { ...bench, other, radar, overlapsIn };
}

t.test("two checkouts learn of each other's changes before a commit", { skip }, async (t) => {
  const { write, other, radar, bob, root, env } = await setUp(t);
  write("a.ts", nine(3, "main"));
  t.match(JSON.parse((await radar(["report"])).stdout), { files: 1, overlaps: [] });
  writeFileSync(join(other, "a.ts"), nine(4, "feature"));
  writeFileSync(join(other, "b.ts"), nine(1, "feature"));
  const reported = await radar(["report"], other, { KOOR_INSTANCE: bob.id });
  const answer = JSON.parse(reported.stdout) as { checkout: string; files: number; overlaps: Overlap[] };
  t.equal(answer.files, 2);
  t.match(answer.overlaps, [
    { path: "a.ts", kind: "lines", same_base: true, a: { branch: "feature" }, b: { branch: "main" } },
  ]);
  t.match(answer.overlaps[0], { a: { checkout: answer.checkout, ranges: [[4, 4]] }, b: { ranges: [[3, 3]] } });

  const listed = await radar([]);
  t.match(JSON.parse(listed.stdout), { overlaps: [{ path: "a.ts", kind: "lines" }] });
  t.match(JSON.parse((await radar(["--checkout", answer.checkout])).stdout), { overlaps: [{ path: "a.ts" }] });
  t.same(JSON.parse((await radar(["--workspace", "none"])).stdout), { overlaps: [] });
  const shown = await runCli(["radar", "--no-color"], { cwd: root, env, terminal: 100 });
  t.match(shown.stdout, /^PATH +KIND +A BRANCH +B BRANCH/);
  t.match(JSON.parse((await radar(["changes"])).stdout), {
    branch: "main",
    files: [{ path: "a.ts", ranges: [[3, 3]] }],
  });
  t.match(await radar(["changes", "none"]), { code: 1, stderr: /checkout not found: none \(404\)/ });
  write("a.ts", nine());
  t.match(JSON.parse((await radar(["report"])).stdout), { files: 0, overlaps: [] });
});

t.test("the list is printed again after each change", { skip }, async (t) => {
  const { write, other, radar, root, env } = await setUp(t);
  const running = new RunningCli(["radar", "--watch"], { cwd: root, env });
  t.teardown(() => running.kill());
  t.same(await running.untilLines(1), ['{"overlaps":[]}']);
  write("a.ts", nine(3, "main"));
  writeFileSync(join(other, "a.ts"), nine(9, "feature"));
  await radar(["report"]);
  await radar(["report"], other);
  const [, second = ""] = await running.untilLines(2);
  t.match(JSON.parse(second), { overlaps: [{ path: "a.ts", kind: "file" }] });
  writeFileSync(join(other, "a.ts"), nine(3, "feature"));
  await radar(["report"], other);
  const [, , third = ""] = await running.untilLines(3);
  t.match(JSON.parse(third), { overlaps: [{ path: "a.ts", kind: "lines" }] });
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
  t.equal(running.stderr, "");
});

t.test("a refusal ends the watch", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = ({ url }) =>
    url.startsWith("/api/wait") ? replyJson({ matched: null, cursor: "c" }) : replyError(400, "no workspace");
  const running = new RunningCli(["radar", "--watch"], { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } });
  t.equal(await running.exit(), 1);
  t.match(running.stderr, /no workspace \(400\)/);
});

t.test("a commit under the guard reports by itself", { skip }, async (t) => {
  const { git, guard, write, other, radar, overlapsIn, root } = await setUp(t);
  await guard(["install"]);
  writeFileSync(join(other, "a.ts"), nine(3, "feature"));
  await radar(["report"], other);
  await git(["switch", "--quiet", "--create", "work"]);
  write("a.ts", nine(3, "work"));
  await git(["add", "a.ts"]);
  t.same(await overlapsIn(), []);
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0, stdout: "", stderr: "" });
  t.match(await overlapsIn(), [{ path: "a.ts", kind: "lines" }]);

  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = ({ method }) => (method === "PUT" ? replyError(404, "not found") : replyJson({ leases: [] }));
  const end = await guard(["committed"], { env: { KOOR_SERVER: fake.url } });
  t.match(end, { code: 0, stdout: '{"released":[]}\n', stderr: "" }, "a server without a radar is no failure");
  t.ok(fake.requests.some(({ method, url }) => method === "PUT" && url.endsWith("/changes")));
  t.match(await guard(["committed"], { cwd: root, env: { KOOR_SERVER: "http://127.0.0.1:1" } }), {
    code: 0,
    stdout: "",
  });
});

t.test("the recipe of docs/radar.md works", { skip: NO_GIT || longFormOnly() }, async (t) => {
  await checkRecipe(t, "docs/radar.md");
});
