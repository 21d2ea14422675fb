/**
 * Tests that text from other agents cannot control the user's terminal. Such text occurs in answers, events, refusals
 * and stored values. If stdout is a pipe, a stored value is printed byte for byte.
 */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { WebSocket } from "ws";

import { FakeServer, replyError, replyJson } from "../test/cli/fake-server.js";
import { CLI_PROGRAM, runCli, RunningCli } from "../test/cli/run-cli.js";
import { formatJson, formatValue } from "./output.js";

const HOSTILE = "a\u009b31m\u007f\u0085\u2028\u202eb\u2066\u200b\ufeff\u{E0041}\u001b[2J\r\nkoor: all is well";
const KEPT = "\u{1F469}\u200d\u{1F4BB} \u0645\u06cc\u200c\u062e \u00e9 \u65e5\u672c";
/** Characters that must not reach a terminal. Line feeds are allowed, because the command line itself writes them. */
const WORKS = /(?!\n)\p{Cc}|[\u00ad\u200b\u2028-\u202e\u2060-\u206f\ufeff\u{E0000}-\u{E0FFF}]/u;

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const cwd = t.testdir();
  const env = { KOOR_SERVER: fake.url };
  return { fake, cwd, env, koor: async (...args: string[]) => await runCli(args, { cwd, env }) };
}

t.test("JSON stays the same JSON", (t) => {
  const value = { [HOSTILE]: [HOSTILE, KEPT, { nested: HOSTILE }], plain: "x".repeat(100) };
  const json = Buffer.from(JSON.stringify(value));
  for (const pretty of [false, true]) {
    const shown = formatJson(json, pretty).toString();
    t.same(JSON.parse(shown), value);
    t.notMatch(shown, WORKS);
    t.ok(shown.includes(KEPT), "visible characters stay");
    t.notMatch(formatValue(json, true, false).toString(), WORKS, "an indented value");
  }
  const plain = Buffer.from('{"a":1}');
  t.equal(formatJson(plain, false).toString(), '{"a":1}\n');
  t.end();
});

t.test("a long answer is checked in pieces", (t) => {
  const texts = Array.from({ length: 5 }, (_, at) => `${KEPT}\u009b${"\u00e9".repeat(2_000_000 + at)}`);
  const shown = formatJson(Buffer.from(JSON.stringify(texts)), false).toString();
  t.notMatch(shown, WORKS);
  t.ok(JSON.stringify(JSON.parse(shown)) === JSON.stringify(texts), "the same texts");
  t.end();
});

t.test("a stored value is bytes for a pipe, and text for a terminal", (t) => {
  const bytes = Buffer.concat([Buffer.from(`one\r\ntwo\tthree\n${HOSTILE}`), Buffer.from([0xff, 0x9b])]);
  t.ok(formatValue(bytes, false, false).equals(bytes));
  const shown = formatValue(bytes, false, true).toString();
  t.match(shown, /^one\ntwo\tthree\na\\u009b31m/);
  t.notMatch(shown.replaceAll("\t", ""), WORKS);
  t.end();
});

t.test("answers, refusals and notes contain no control characters", async (t) => {
  const { fake, koor } = await setUp(t);
  fake.answer = () => replyJson([{ name: HOSTILE }]);
  for (const layout of [[], ["--pretty"]]) {
    const shown = await koor("instances", "list", ...layout);
    t.equal(shown.code, 0, shown.stderr);
    t.notMatch(shown.stdout, WORKS);
    t.same(JSON.parse(shown.stdout), [{ name: HOSTILE }]);
  }
  fake.answer = () => replyError(404, `key not found: ${HOSTILE}`);
  const refused = await koor("state", "get", "k");
  t.equal(refused.code, 1);
  t.notMatch(refused.stderr, WORKS);
  t.equal(refused.stderr.match(/^koor: /gm)?.length, 1, "no text can end its line");
});

t.test("events that are followed contain no control characters", async (t) => {
  const { fake, cwd, env } = await setUp(t);
  fake.onSocket = (socket: WebSocket) =>
    socket.send(JSON.stringify({ id: 1, topic: HOSTILE, data: { text: HOSTILE }, source: KEPT }));
  const running = new RunningCli(["events", "subscribe", "**", "--since", "0"], { cwd, env });
  t.teardown(() => running.kill());
  await running.until("the event is printed", () => running.lines.length > 0);
  t.notMatch(running.stdout, WORKS);
  t.match(JSON.parse(running.lines[0] ?? ""), { topic: HOSTILE, source: KEPT });
  fake.sockets[0]?.send('{"id":2,"topic":"\u001b[2J\u0007"');
  await running.until("what is no event is printed", () => running.lines.length > 1);
  t.equal(running.lines[1], '{"id":2,"topic":"\\u001b[2J\\u0007"');
});

/** Whether this machine has the program that runs another program on a terminal. */
function hasTerminals(): boolean {
  try {
    execFileSync("script", ["-qec", "true", "/dev/null"], { stdio: "ignore" });
    return process.platform === "linux";
  } catch {
    return false;
  }
}

t.test(
  "a stored value on a terminal contains no control characters",
  { skip: hasTerminals() ? false : "there is no script(1)" },
  async (t) => {
    const { fake, cwd, env } = await setUp(t);
    fake.answer = () => ({ body: Buffer.from(HOSTILE), type: "text/plain" });
    t.equal((await runCli(["state", "get", "k"], { cwd, env })).stdout, HOSTILE, "a pipe gets the exact bytes");
    const command = `"${process.execPath}" "${CLI_PROGRAM}" state get k`;
    const child = spawn("script", ["-qec", command, join(cwd, "typescript")], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let shown = "";
    child.stdout.on("data", (bytes: Buffer) => (shown += bytes.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    // The terminal converts each line end to CRLF, so the carriage returns are removed.
    t.notMatch(shown.replaceAll("\r\n", "\n"), WORKS);
    t.match(shown, /a\\u009b31m/);
  },
);

t.test("what a server answers in place of JSON is escaped, too", async (t) => {
  const { fake, koor } = await setUp(t);
  const foreign = 'no JSON \u001b[2J\u0007\u0000\u0008 and "more" \u001b]0;title\u0007';
  for (const pretty of [false, true]) t.notMatch(formatJson(Buffer.from(foreign), pretty).toString(), WORKS);
  t.equal(formatJson(Buffer.from(foreign), false).toString(), formatJson(Buffer.from(foreign), true).toString());
  fake.answer = () => ({ body: foreign, type: "application/json" });
  for (const args of [["events", "history"], ["state", "list", "--pretty"], ["metrics"]])
    t.notMatch((await koor(...args)).stdout, WORKS, args.join(" "));
});
