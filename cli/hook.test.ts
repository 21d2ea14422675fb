/**
 * Tests the bundled program `koor-hook`: what it sends, and that the client continues even if it fails. Also limits
 * which modules the program loads, because the agent waits for it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";

import type { ChangesBody } from "../schemas/radar.js";
import { replyError, replyJson, type SeenRequest } from "../test/cli/fake-server.js";
import { makeProject, type InitProject } from "../test/cli/project.js";
import { tieToThisProcess } from "../test/support/owner.js";
import { hookAnswer, type HookDecision } from "../src/features/hooks/answer.js";
import { CLIENTS } from "../src/features/hooks/clients.js";
import { errorTextOf } from "./hook/hook-error.js";
import { usableAnswer } from "./hook/usable-answer.js";
import { ownRecordPath, radarMarkPath } from "./own-record.js";

/** This file runs from dist/tree/cli. */
const PROGRAM = fileURLToPath(new URL("../../app/cli/hook.cjs", import.meta.url));
const TOKEN = "a-token-of-the-user";

interface HookResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runHook(
  { root, env }: InitProject,
  words: readonly string[],
  input: string | Buffer = "{}",
  folder = root,
): Promise<HookResult> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd: folder, env });
  tieToThisProcess(child, "alone");
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

t.test("it passes the event to the server, with what init recorded", async (t) => {
  const project = await makeProject(t);
  const { fake, root, koor } = project;
  t.equal((await koor(["init", "--client", "kimi", "--yes", "--policy", "strict"], { KOOR_TOKEN: TOKEN })).code, 0);
  fake.requests.length = 0;
  const answer = { hookSpecificOutput: { permissionDecision: "deny" } };
  fake.answer = () => replyJson(answer);
  mkdirSync(join(root, "a/b"), { recursive: true });
  const input = JSON.stringify({ session_id: "s", text: "ü".repeat(100_000) });
  t.same(await runHook(project, ["codex"], input, join(root, "a/b")), {
    code: 0,
    stdout: JSON.stringify(answer),
    stderr: "",
  });
  t.match(fake.requests, [
    {
      method: "POST",
      url: "/api/hooks/codex",
      headers: {
        authorization: `Bearer ${TOKEN}`,
        "x-koor-root": root,
        "x-koor-workspace": "git.example/acme/trucks",
        "x-koor-checkout": /^[0-9a-f]{16}$/,
        "x-koor-policy": "strict",
        "x-koor-branch": "main",
      },
    },
  ]);
  t.equal(fake.requests[0]?.body.toString(), input);
  t.equal((await runHook(project, ["copilot", "preToolUse"])).code, 0);
  t.equal(fake.requests.at(-1)?.url, "/api/hooks/copilot/preToolUse");
});

t.test("a linked working tree uses the record of the main one, without its checkout", async (t) => {
  const project = await makeProject(t);
  const { fake, home, koor, git } = project;
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  const other = join(home, "other");
  git("worktree", "add", "--quiet", "-b", "topic", other);
  fake.requests.length = 0;
  t.equal((await runHook(project, ["codex"], "{}", other)).stdout, "{}");
  t.match(fake.requests, [{ headers: { "x-koor-root": other, "x-koor-branch": "topic" } }]);
  t.equal(fake.requests[0]?.headers["x-koor-checkout"], undefined);
});

t.test("whatever is wrong, it exits with 0 and the client goes on", async (t) => {
  const project = await makeProject(t);
  const { fake, root, home, koor } = project;
  const outside = await runHook(project, ["kimi"], "{}", home);
  t.same(outside, { code: 0, stdout: "", stderr: "" }, "no project");
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  const goesOn = async (why: string, says: RegExp, words: readonly string[] = ["codex"]) => {
    const { code, stdout, stderr } = await runHook(project, words);
    t.same([code, stdout], [0, "{}"], why);
    t.match(stderr, says, why);
    t.ok(stderr.split("\n").length <= 2, "one line");
  };
  const replies = [
    ["a refusal", replyError(401, "unauthorized"), /refused \(401\)/],
    ["an unknown client", replyError(404, "not found"), /refused \(404\)/],
    ["no JSON", { body: "<html>" }, /not one of a hook/],
    ["another value", { body: "[]" }, /not one of a hook/],
    ["a cut connection", "close", /./],
    ["half an answer", "half", /closed before the answer/],
  ] as const;
  for (const [why, reply, says] of replies) {
    fake.answer = () => reply;
    await goesOn(why, says);
  }
  fake.answer = () => ({ body: "" });
  t.same(await runHook(project, ["codex"]), { code: 0, stdout: "{}", stderr: "" }, "an empty answer");
  fake.answer = () => ({ body: "plain text" });
  t.same(await runHook(project, ["kimi"]), { code: 0, stdout: "plain text", stderr: "" }, "Kimi's context");
  fake.answer = () => ({ headers: { "Transfer-Encoding": "chunked" }, body: '{"context":"1"}' });
  t.same(await runHook(project, ["codex"]), { code: 0, stdout: '{"context":"1"}', stderr: "" }, "an answer in chunks");

  const garbage = createServer((socket) => socket.end("SSH-2.0-x\r\n\r\n"));
  await new Promise<void>((resolve) => garbage.listen(0, "127.0.0.1", resolve));
  t.teardown(() => garbage.close());
  const record = ownRecordPath(root, project.env) ?? "";
  const text = readFileSync(record, "utf8");
  const write = (server: unknown): void => writeFileSync(record, JSON.stringify({ ...JSON.parse(text), server }));
  write(`http://127.0.0.1:${(garbage.address() as { port: number }).port}`);
  await goesOn("no HTTP", /not HTTP/);
  write("http://127.0.0.1:1");
  await goesOn("a server that is away", /ECONNREFUSED/);
  write("http://koor.example");
  await goesOn("a server that the user does not know", /not one of your servers/);
  await goesOn("no client", /usage/, []);
  for (const server of ["ftp://x", 5, undefined]) {
    write(server);
    t.same(await runHook(project, ["codex"]), { code: 0, stdout: "{}", stderr: "" }, `server ${String(server)}`);
  }
  writeFileSync(record, "{");
  t.same(await runHook(project, ["codex"]), { code: 0, stdout: "{}", stderr: "" }, "a record that does not parse");
  writeFileSync(record, text);
  rmSync(join(root, ".koor/project.json"));
  fake.requests.length = 0;
  t.same(await runHook(project, ["codex"]), { code: 0, stdout: "{}", stderr: "" }, "no project file");
  t.same(fake.requests, []);
});

t.test("after a tool, and at the end of a turn, a report of the radar is started", async (t) => {
  const project = await makeProject(t);
  const { fake, root, koor, write } = project;
  t.equal((await koor(["init", "--client", "codex", "--yes"], { KOOR_TOKEN: TOKEN })).code, 0);
  const reports: SeenRequest[] = [];
  let onReport = (): void => undefined;
  fake.answer = (request) => {
    if (request.method !== "PUT") return replyJson({});
    reports.push(request);
    onReport();
    return replyJson({ checkout: "c", overlaps: [] });
  };
  const hook = async (event: string, words: readonly string[] = ["codex"]) =>
    await runHook(
      project,
      words,
      JSON.stringify({ hook_event_name: event, tool_name: "apply_patch" }),
      join(root, "sub"),
    );
  const reported = (): Promise<void> => new Promise((resolve) => (onReport = resolve));
  write("sub/a.ts", "1\n");
  t.same(await hook("PreToolUse"), { code: 0, stdout: "{}", stderr: "" });
  const first = reported();
  t.same(await hook("PostToolUse"), { code: 0, stdout: "{}", stderr: "" });
  await first;
  t.match(reports, [
    { url: /^\/api\/checkouts\/[0-9a-f]{16}\/changes$/, headers: { authorization: `Bearer ${TOKEN}` } },
  ]);
  const { workspace, files } = JSON.parse(reports[0]?.body.toString() ?? "") as ChangesBody;
  t.equal(workspace, "git.example/acme/trucks");
  t.ok(files.some(({ path }) => path === "sub/a.ts"));
  // This report is not sent, because the previous one was sent a moment ago.
  await hook("PostToolUse");
  const second = reported();
  await hook("", ["copilot", "Stop"]);
  await second;
  t.equal(reports.length, 2);
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.notOk(existsSync(radarMarkPath(ownRecordPath(root, project.env) ?? "")));
});

t.test("a line for stderr is short and printable ASCII", (t) => {
  t.equal(errorTextOf(new Error("a\u202e\u200bb\n\u009bü")), String.raw`a\u202e\u200bb\u000a\u009b\u00fc`);
  const line = errorTextOf(new Error("\u2066".repeat(1_000_000)));
  t.match(line, /^(?:\\u2066)+.*\.\.\.$/);
  t.ok(line.length < 600, `${line.length} characters`);
  t.end();
});

t.test("the bundle is small and loads few modules", (t) => {
  const bundle = readFileSync(PROGRAM, "utf8");
  const loaded = [...bundle.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = ""]) => name);
  t.same([...new Set(loaded)].toSorted(), ["node:fs", "node:net", "node:path"]);
  t.ok(bundle.length < 17 * 1024, `${bundle.length} bytes`);
  t.end();
});

t.test("an answer that allows or changes a call is not passed on: the client goes on as without a hook", async (t) => {
  const project = await makeProject(t);
  const { fake, koor } = project;
  t.equal((await koor(["init", "--client", "kimi", "--yes"])).code, 0);
  for (const [client, answer] of [
    ["claude", { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "allow" } }],
    ["copilot", { permissionDecision: "allow" }],
    ["cursor", { permission: "allow" }],
    ["gemini", { decision: "approve" }],
    ["claude", { hookSpecificOutput: { decision: { behavior: "allow" } } }],
    ["claude", { hookSpecificOutput: { hookEventName: "PreToolUse", updatedInput: { command: "x" } } }],
    ["claude", { hookSpecificOutput: { hookEventName: "PostToolUse", updatedMCPToolOutput: "x" } }],
    ["copilot", { modifiedArgs: { command: "x" } }],
    ["gemini", { hookSpecificOutput: { tool_input: { command: "x" } } }],
    ["cursor", { permission: "Allow" }],
    ["cursor", { permission: "deny", updated_input: {} }],
    ["codex", { decision: ["allow"] }],
    ["codex", { reason: { text: "x" } }],
    ["codex", { continue: false }],
  ] as const) {
    fake.answer = () => replyJson(answer);
    t.match(await runHook(project, [client]), { code: 0, stdout: "{}", stderr: /answer is not one of a hook/ }, client);
  }
  fake.answer = () => replyJson({ deny: 'it says "decision":"allow"' });
  t.match(await runHook(project, ["opencode"]), { stdout: /deny/, stderr: "" });
  fake.answer = () => ({ body: '{"decision":"allow","decision":"deny","reason":"x"}\n' });
  t.match(await runHook(project, ["codex"]), { stdout: '{"decision":"deny","reason":"x"}', stderr: "" });
});

t.test("every answer of the server is passed on unchanged", (t) => {
  const decisions: readonly HookDecision[] = [
    { kind: "proceed" },
    { kind: "deny", reason: 'no "allow"', policy: "strict" },
    { kind: "context", text: "hi" },
    { kind: "hold-stop", reason: "wait" },
  ];
  for (const client of CLIENTS)
    for (const event of client.events)
      for (const decision of decisions) {
        const answer = hookAnswer(client, event, decision);
        t.equal(usableAnswer(client.name, answer), answer, `${client.name} ${event.name} ${decision.kind}`);
      }
  t.end();
});
