/**
 * Tests the verdicts of `guard verify` on commits, with real git repositories and a real server. verdict.test.ts tests
 * the rules about times.
 */
import t from "tap";

import { NO_GIT, setUpGuarded, type Guarded } from "./cli/guarded.js";

interface Judged {
  readonly commit: string;
  readonly verdict: string;
  readonly fence: number | null;
  readonly violations: readonly { readonly path: string; readonly lease_id: string }[];
}

async function verify({ guard }: Guarded, range: string) {
  const { code, stdout, stderr } = await guard(["verify", range, "--json"]);
  if (stdout === "") throw new Error(`guard verify ended with ${code}: ${stderr}`);
  return { code, commits: (JSON.parse(stdout) as { commits: Judged[] }).commits };
}

t.test("each commit of a range is judged, oldest first", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t);
  const { git, guard, write, ana, bob } = bench;
  await guard(["install"]);
  const own = await ana.lease(["path:own.ts"]);
  const theirs = await bob.lease(["path:theirs.ts"]);
  // This second begins after the leases were granted.
  const date = `@${Math.ceil(Date.now() / 1_000) + 1} +0000`;
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const commit = async (
    path: string,
    env: Readonly<Record<string, string>> = {},
    ...more: string[]
  ): Promise<string> => {
    write(path);
    await git(["add", path]);
    const end = await git(["commit", "--quiet", "--message", path, ...more], { env: { ...dates, ...env } });
    t.equal(end.code, 0, end.stderr);
    return (await git(["rev-parse", "HEAD"])).stdout;
  };
  const start = (await git(["rev-parse", "HEAD"])).stdout;
  const ids = [await commit("own.ts"), await commit("free.ts"), await commit("theirs.ts", {}, "--no-verify")];
  ids.push(await commit("theirs.ts", { KOOR_GUARD: "off" }));
  ids.push(await commit("free.ts", { GIT_COMMITTER_DATE: "2020-01-01T00:00:00Z" }));
  // RFC 3339 cannot express this year.
  ids.push(await commit("free.ts", { GIT_COMMITTER_DATE: "@300000000000 +0000" }));
  const { code, commits } = await verify(bench, `${start}..HEAD`);
  t.equal(code, 1);
  t.same(
    commits.map(({ commit: id, verdict, fence }) => [id, verdict, fence]),
    ids.map((id, at) => [
      id,
      ["covered", "free", "violation", "off", "unknown", "free"][at],
      at === 0 ? own.fence : null,
    ]),
  );
  t.match(commits[2]?.violations, [{ path: "theirs.ts", holder: { id: bob.id, name: "bob" }, lease_id: theirs.id }]);
  t.match(await verify(bench, `${start}..${ids[1] ?? ""}`), { code: 0 });
  t.match(await verify(bench, "HEAD..HEAD"), { code: 0, commits: [] });
  const lines = await guard(["verify", `${start}..HEAD`]);
  t.match(lines, { code: 1, stderr: /changed theirs\.ts, which bob had leased/ });
  t.match(lines.stdout, new RegExp(`^${ids[0] ?? ""} covered\n`));
  t.match(await guard(["verify", "HEAD~1..HEAD"], { env: { KOOR_SERVER: "http://127.0.0.1:1" } }), {
    code: 3,
    stdout: "",
  });
});

t.test("a thousand commits take three calls", { skip: NO_GIT }, async (t) => {
  const bench = await setUpGuarded(t, true);
  const { git, server, root, env, bob } = bench;
  await bob.lease(["path:d9/**"]);
  const { spawnSync } = await import("node:child_process");
  const now = Math.floor(Date.now() / 1_000) + 5;
  let stream = "";
  for (let at = 0; at < 1_000; at += 1)
    stream += `commit refs/heads/many\ncommitter a <a@b> ${now} +0000\ndata 2\nx\n${at === 0 ? "from refs/heads/main^0\n" : ""}M 100644 inline d${at % 10}/f${at}\ndata 1\nx\n`;
  t.equal(spawnSync("git", ["fast-import", "--quiet"], { cwd: root, env, input: stream }).status, 0);
  const calls = async (): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const counts = [...text.matchAll(/^koor_http_requests_total\{[^}]*(?:lease\.list|audit\.list)[^}]*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await calls();
  const { code, commits } = await verify(bench, "main..many");
  t.equal(code, 1);
  t.equal(commits.length, 1_000);
  t.equal(commits.filter(({ verdict }) => verdict === "violation").length, 100);
  t.equal((await calls()) - before, 3, "a page of leases, the empty page behind it, and the audit log");
  t.equal((await git(["rev-parse", "many"])).stdout, commits.at(-1)?.commit);
});
