/** Tests `changes` against fake servers: what it prints, how it reconnects, and how it ends. */
import t from "tap";

import { startCluster } from "../test/cli/fake-cluster.js";
import { FakeServer, replyError, type HttpReply, type Reply } from "../test/cli/fake-server.js";
import { RunningCli, runProgram } from "../test/cli/run-cli.js";

const LAGGED = '{"kind":"lagged"}';

/** Returns an HTTP answer with this body. The connection ends after the body. */
function stream(body: string): HttpReply {
  return { body, type: "text/event-stream" };
}

/**
 * Returns an HTTP answer whose stream stays open. Its Content-Length is larger than its body, so the client waits for
 * more.
 */
function openStream(body: string): HttpReply {
  return { ...stream(body), headers: { "Content-Length": "1000" } };
}

function changeOf(key: string): string {
  return `{"kind":"state","key":"${key}"}`;
}

/** Returns a function that gives the replies one after the other. After the last reply, it repeats that reply. */
function answerInTurn(...replies: readonly [Reply, ...Reply[]]): FakeServer["answer"] {
  const left = [...replies];
  return () => (left.length > 1 ? (left.shift() ?? replies[0]) : (left[0] ?? replies[0]));
}

t.test("each change is a line; after a lost connection anything may have changed", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = answerInTurn(
    stream(`: subscribed\n\ndata: ${changeOf("a")}\r\n\n: here\n\ndata: {"kind":"lagged"}\n\n`),
    replyError(503, "starting"),
    "close",
    openStream(`: subscribed\n\ndata: ${changeOf("b")}\n\n`),
  );
  const running = new RunningCli(["changes", "--kinds", "state,spec"], {
    cwd: t.testdir(),
    env: { KOOR_SERVER: fake.url },
  });
  t.teardown(() => running.kill());
  t.same(await running.untilLines(4), [changeOf("a"), LAGGED, LAGGED, changeOf("b")]);
  t.same([...new Set(fake.requests.map(({ url }) => url))], ["/api/changes?kinds=state%2Cspec"]);
  t.equal(fake.requests.length, 4);
  t.equal(running.stderr, "koor: the connection was lost, trying again\nkoor: connected again\n");
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
});

t.test("a refusal ends it, and so does a first connection that fails", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const options = { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } };
  fake.answer = () => replyError(400, 'kinds: "x" is none of state');
  t.match(await runProgram(["changes", "--kinds", "x"], options), { code: 1, stdout: "", stderr: /is none of state/ });
  fake.answer = () => replyError(503, "too many readers");
  t.match(await runProgram(["changes"], options), { code: 3, stdout: "", stderr: /too many readers/ });
  fake.answer = () => "close";
  t.match(await runProgram(["changes"], options), { code: 3, stdout: "", stderr: /cannot reach/ });
  fake.answer = answerInTurn(stream(`data: ${changeOf("a")}\n\n`), replyError(401, "no valid token"));
  const revoked = await runProgram(["changes"], options);
  t.match(revoked, { code: 1, stdout: `${changeOf("a")}\n`, stderr: /trying again\nkoor: no valid token/ });
});

t.test("a stream that a hostile server sends is escaped, and a line without an end is dropped", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const long = `data: "${"x".repeat(2 * 1024 * 1024)}"`;
  fake.answer = () => stream(`data: "\u001b[2J\u202e"\n\n${long}\n\ndata: 1\n\ndata: 2`);
  const running = new RunningCli(["changes"], { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } });
  t.teardown(() => running.kill());
  const lines = await running.untilLines(3);
  // The client reconnects when the stream has ended, and prints `lagged` for the new connection.
  t.same(lines.slice(0, 3), [`"\\u001b[2J\\u202e"`, "1", LAGGED]);
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
});

t.test("it waits for changes until a signal ends it", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => openStream('data: {"kind":"state"}\n\n');
  const running = new RunningCli(["changes"], { cwd: t.testdir(), env: { KOOR_SERVER: fake.url } });
  t.teardown(() => running.kill());
  t.same(await running.untilLines(1), ['{"kind":"state"}']);
  t.equal(fake.requests[0]?.url, "/api/changes");
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
  t.equal(running.stderr, "");
});

t.test("it goes on at another server, behind the position of the first", async (t) => {
  const { a, b, start } = await startCluster(t);
  a.answer = () => ({ ...openStream(`data: ${changeOf("a")}\n\n`), headers: { "X-Koor-Position": "7" } });
  b.answer = () => openStream(`data: ${changeOf("b")}\n\n`);
  const running = start(["changes"]);
  await running.untilLines(1);
  await a.stop();
  t.same(await running.untilLines(3), [changeOf("a"), LAGGED, changeOf("b")]);
  t.match(b.requests[0], { url: "/api/changes", headers: { "x-koor-after": "7" } });
});
