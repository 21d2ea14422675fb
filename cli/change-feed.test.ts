/** Tests `changes` against a fake server: what it prints, and how it ends. */
import t from "tap";

import { FakeServer, replyError } from "../test/cli/fake-server.js";
import { RunningCli, runProgram } from "../test/cli/run-cli.js";

t.test("each change is a line, and the end of the stream is a failure", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const options = { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } };
  fake.answer = () => ({
    body: ': subscribed\n\ndata: {"kind":"state","key":"a"}\r\n\n: here\n\ndata: {"kind":"lagged"}\n\n',
    type: "text/event-stream",
  });
  const run = await runProgram(["changes", "--kinds", "state,spec"], options);
  t.equal(fake.requests[0]?.url, "/api/changes?kinds=state%2Cspec");
  t.equal(run.stdout, '{"kind":"state","key":"a"}\n{"kind":"lagged"}\n');
  t.match(run, { code: 3, stderr: "koor: the connection was lost: changes may have been missed\n" });
  fake.answer = () => replyError(400, 'kinds: "x" is none of state');
  t.match(await runProgram(["changes", "--kinds", "x"], options), { code: 1, stdout: "", stderr: /is none of state/ });
  fake.answer = () => "close";
  t.match(await runProgram(["changes"], options), { code: 3, stdout: "", stderr: /cannot reach/ });
});

t.test("a stream that a hostile server sends is escaped, and a line without an end is dropped", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const options = { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } };
  const long = `data: "${"x".repeat(2 * 1024 * 1024)}"`;
  fake.answer = () => ({ body: `data: "\u001b[2J\u202e"\n\n${long}\n\ndata: 1\n\ndata: 2`, type: "text/event-stream" });
  const run = await runProgram(["changes"], options);
  t.equal(run.stdout, '"\\u001b[2J\\u202e"\n1\n');
  t.equal(run.code, 3);
});

t.test("it waits for changes until a signal ends it", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  // The body is shorter than its announced length, so the client waits for more.
  const headers = { "Content-Length": "1000" };
  fake.answer = () => ({ body: 'data: {"kind":"state"}\n\n', type: "text/event-stream", headers });
  const running = new RunningCli(["changes"], { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } });
  t.teardown(() => running.kill());
  t.same(await running.untilLines(1), ['{"kind":"state"}']);
  t.equal(fake.requests[0]?.url, "/api/changes");
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
  t.equal(running.stderr, "");
});
