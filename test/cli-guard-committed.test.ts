/**
 * Tests which leases `guard committed` releases. Automatic leases are shown by a fake server; a real one has leases that
 * were asked for.
 */
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { FakeServer, replyError, replyJson } from "./cli/fake-server.js";
import { git as plainGit, gitEnvironment, makeRepository } from "./cli/git.js";
import { NO_GIT, setUpGuarded } from "./cli/guarded.js";
import { runCli } from "./cli/run-cli.js";
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

t.test("a commit releases no lease that was asked for", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, ana } = bench;
  await guard(["install"]);
  const own = await ana.lease(["path:a.ts"]);
  write("a.ts");
  git(["add", "."]);
  t.match(git(["commit", "--quiet", "--message", "x"]), { code: 0, stderr: "" });
  t.match(await ana.get(own.id), { state: "held" });
  t.same(JSON.parse((await guard(["committed"])).stdout), { released: [] });
  t.match(await guard(["committed"], { env: { KOOR_INSTANCE: "" } }), { code: 0, stderr: "" }, "without an instance");
  t.match(await guard(["committed"], { env: { KOOR_SERVER: "http://127.0.0.1:1" } }), { code: 0, stdout: "" });
  t.ok(readFileSync(`${bench.root}/.git/hooks/post-commit`, "utf8").includes("guard committed"));
});
