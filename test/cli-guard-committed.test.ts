/**
 * Tests which leases `guard committed` releases. A fake server returns automatic leases of all kinds. A real server has
 * the leases of an agent's hooks, and leases that an agent has requested.
 */
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { FakeServer, replyError, replyJson } from "./cli/fake-server.js";
import { git as plainGit, gitEnvironment, makeRepository } from "./cli/git.js";
import { NO_GIT, setUpGuarded } from "./cli/guarded.js";
import { runCli } from "./cli/run-cli.js";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory } from "./support/server-process.js";

t.test("automatic leases of what is as in HEAD are released", { skip: NO_GIT }, async (t) => {
  const top = makeDirectory(t);
  const [home, root] = [join(top, "home"), join(top, "trucks")];
  mkdirSync(home);
  makeRepository(home, root);
  const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
  for (const name of ["done.ts", "touched.ts", "changed.ts", "staged.ts", "gone.ts", "a*.ts"]) write(name, "1\n");
  write(".gitignore", "ignored.ts\nelsewhere.ts\n");
  plainGit(home, root, "add", ".");
  plainGit(home, root, "commit", "--quiet", "--message", "all");
  write("changed.ts", "2\n");
  write("staged.ts", "2\n");
  plainGit(home, root, "add", "staged.ts");
  write("staged.ts", "1\n");
  plainGit(home, root, "rm", "--quiet", "--cached", "gone.ts");
  for (const name of ["new.ts", "ab.ts", "ignored.ts", "elsewhere.ts"]) write(name, "1\n");
  utimesSync(join(root, "touched.ts"), 1, 1);

  const env = { ...gitEnvironment(home), KOOR_INSTANCE: "ana" };
  const { stdout } = await runCli(["whoami"], { cwd: root, env });
  const here = (JSON.parse(stdout) as { checkout: { id: string } }).checkout.id;
  let fence = 0;
  const lease = (paths: string, more: object = {}): object => {
    fence += 1;
    const resources = paths.split(" ").map((path) => `path:${path}`);
    const holder = { id: "ana", name: "ana" };
    return {
      id: `lease-${fence}`,
      fence,
      holder,
      resources,
      scope: "checkout",
      checkout: here,
      automatic: true,
      ...more,
    };
  };
  const leases = [
    lease("done.ts"),
    lease("touched.ts done.ts", { checkout: null, scope: "repo" }),
    lease("deleted-before.ts"),
    lease("a\\*.ts"),
    lease("done.ts", { holder: { id: "child", name: "ana/child" } }),
    lease("done.ts", { automatic: undefined }),
    lease("done.ts", { automatic: false }),
    lease("done.ts", { checkout: "another" }),
    lease("done.ts changed.ts"),
    lease("staged.ts"),
    lease("gone.ts"),
    lease("new.ts"),
    lease("ignored.ts"),
  ];
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = ({ method, url, headers }) => {
    if (method === "GET") return replyJson({ leases: url.includes("after=") ? [] : leases });
    return url.includes("lease-5") && headers["x-koor-instance"] !== "child"
      ? replyError(403, "not yours")
      : replyJson({});
  };
  const end = await runCli(["guard", "committed"], { cwd: root, env: { ...env, KOOR_SERVER: fake.url } });
  t.match(end, { code: 0, stderr: "" });
  t.same(JSON.parse(end.stdout), { released: ["lease-1", "lease-2", "lease-3", "lease-4", "lease-5"] });
  const calls = fake.requests
    .filter(({ method }) => method === "DELETE")
    .map(({ url, headers }) => [url, headers["x-koor-instance"]]);
  t.same(calls, [
    ["/api/leases/lease-1?fence=1", "ana"],
    ["/api/leases/lease-2?fence=2", "ana"],
    ["/api/leases/lease-3?fence=3", "ana"],
    ["/api/leases/lease-4?fence=4", "ana"],
    ["/api/leases/lease-5?fence=5", "ana"],
    ["/api/leases/lease-5?fence=5", "child"],
  ]);
  t.match(fake.requests[0]?.url, /^\/api\/leases\?own=1&state=held&workspace=trucks&/);
});

t.test("a commit releases the leases of the hooks of a session and of its subagent", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, root, server, workspace } = bench;
  await guard(["install"]);
  const { stdout } = await runCli(["whoami"], { cwd: root, env: bench.env });
  const headers = {
    "X-Koor-Root": root,
    "X-Koor-Workspace": workspace,
    "X-Koor-Checkout": (JSON.parse(stdout) as { checkout: { id: string } }).checkout.id,
  };
  let calls = 0;
  const edit = async (path: string, more: object = {}): Promise<void> => {
    calls += 1;
    const tool = { tool_name: "Edit", tool_use_id: `t-${calls}`, tool_input: { file_path: join(root, path) } };
    const body = { session_id: "s-1", cwd: root, hook_event_name: "PreToolUse", ...tool, ...more };
    const answer = await sendJson(server.port, "POST", "/api/hooks/claude", body, headers);
    t.equal(answer.status, 200);
    t.notMatch(answer.text, "deny", path);
    write(path);
  };
  const leased = async (): Promise<string[]> => {
    const answer = await send(server.port, "GET", `/api/leases?workspace=${workspace}`);
    return answer
      .json<{ leases: { resources: string[] }[] }>()
      .leases.flatMap(({ resources }) => resources)
      .toSorted();
  };
  const env = { KOOR_INSTANCE: "", CLAUDE_CODE_SESSION_ID: "s-1" };
  await edit("a.ts");
  await edit("b.ts");
  await edit("sub/c.ts", { agent_id: "agent-1", agent_type: "reviewer" });
  t.same(await leased(), ["path:a.ts", "path:b.ts", "path:sub/c.ts"]);
  await git(["add", "a.ts", "sub"]);
  t.match(await git(["commit", "--quiet", "--message", "x"], { env }), { code: 0, stderr: "" });
  t.match((await git(["log", "-1", "--format=%B"])).stdout, /^x\n\nKoor-Fence: \d+\nKoor-Fence: \d+$/);
  t.same(await leased(), ["path:b.ts"], "the file that was not committed stays leased");
  const verified = await guard(["verify", "HEAD~1..HEAD"]);
  t.match(verified, { code: 0, stdout: / covered\n$/ });
  await git(["add", "b.ts"]);
  t.match(await git(["commit", "--quiet", "--no-verify", "--message", "y"], { env }), { code: 0, stderr: "" });
  t.same(await leased(), []);
});

t.test("a commit releases no lease that was asked for", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, ana } = bench;
  await guard(["install"]);
  const own = await ana.lease(["path:a.ts"]);
  write("a.ts");
  await git(["add", "."]);
  t.match(await git(["commit", "--quiet", "--message", "x"]), { code: 0, stderr: "" });
  t.match(await ana.get(own.id), { state: "held" });
  t.same(JSON.parse((await guard(["committed"])).stdout), { released: [] });
  t.match(await guard(["committed"], { env: { KOOR_INSTANCE: "" } }), { code: 0, stderr: "" }, "without an instance");
  t.match(await guard(["committed"], { env: { KOOR_SERVER: "http://127.0.0.1:1" } }), { code: 0, stdout: "" });
  t.ok(readFileSync(`${bench.root}/.git/hooks/post-commit`, "utf8").includes("guard committed"));
});
