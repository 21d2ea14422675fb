/**
 * Tests `wait` against a fake server. Checks the calls, their repetition after a lost answer, and the end of the wait.
 */
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson, type Reply } from "../test/cli/fake-server.js";
import { runCli } from "../test/cli/run-cli.js";
import { CliFailure } from "./failure.js";
import { waitForMatch, type WaitOptions } from "./wait-loop.js";

const LONG_MS = 600_000;
const NOTHING = (cursor: string): Reply => replyJson({ matched: null, cursor });
const MATCH = { matched: { kind: "free", resource: "r" }, cursor: "c9" };

/** Sends the replies one after the other, and repeats the last one. */
async function setUp(t: Test, ...replies: readonly Reply[]) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const left = [...replies];
  fake.answer = () => (left.length > 1 ? left.shift() : left[0]) ?? "close";
  const settings = { server: new URL(fake.url), token: "", instance: "me" };
  const options = { after: undefined, waitMs: LONG_MS, signal: new AbortController().signal, retryMs: 1 };
  return {
    fake,
    wait: async (more: Partial<WaitOptions> = {}) =>
      await waitForMatch(
        settings,
        [
          ["event", "a b"],
          ["event", "c"],
        ],
        { ...options, ...more },
      ),
    asked: () => fake.requests.map(({ url }) => url.replace("/api/wait?event=a%20b&event=c", "")),
    run: async (...args: string[]) =>
      await runCli(["wait", ...args], { cwd: t.testdir({}), env: { KOOR_SERVER: fake.url } }),
  };
}

t.test("a condition that holds takes one call", async (t) => {
  const { fake, wait, asked } = await setUp(t, replyJson(MATCH));
  t.match(await wait(), { matched: true, cursor: "c9" });
  t.same(asked(), [""]);
  t.equal(fake.requests[0]?.headers["x-koor-instance"], "me");
});

t.test("it calls again with the previous cursor, through a restart", async (t) => {
  const { wait, asked } = await setUp(
    t,
    NOTHING("c1"),
    NOTHING("c2"),
    "close",
    replyError(503, "starting"),
    "half",
    replyJson(MATCH),
  );
  t.match(await wait(), { matched: true });
  t.same(asked(), ["", "&after=c1&wait=60", ...Array.from({ length: 4 }, () => "&after=c2&wait=60")]);
});

t.test("a wait may start with an earlier cursor, and has no limit by default", async (t) => {
  const { wait, asked } = await setUp(t, NOTHING("c1"), replyJson(MATCH));
  t.match(await wait({ after: "c0", waitMs: undefined }), { matched: true });
  t.same(asked(), ["&after=c0&wait=60", "&after=c1&wait=60"]);
});

t.test("when the time is over there is still a cursor", async (t) => {
  const { wait } = await setUp(t, NOTHING("c1"));
  t.match(await wait({ waitMs: 1 }), { matched: false, cursor: "c1" });
  const unreachable = await setUp(t, NOTHING("c1"), "close");
  t.match(
    await unreachable.wait({ waitMs: 20 }),
    { matched: false, cursor: "c1" },
    "even if the server is unreachable",
  );
  const never = await setUp(t, "close");
  t.match(await never.wait({ waitMs: 1 }), { exit: 3, message: /cannot reach/ });
});

t.test("a refusal ends it, and so does a server that is not Koor", async (t) => {
  const { wait, asked } = await setUp(t, replyError(400, "after is no cursor of a wait"));
  t.match(await wait(), new CliFailure(1, "after is no cursor of a wait (400)"));
  t.equal(asked().length, 1);
  for (const strange of [{ hello: 1 }, { cursor: 1, matched: null }, { cursor: "c" }]) {
    const other = await setUp(t, replyJson(strange));
    t.match(await other.wait(), { message: /is this a Koor server/ });
  }
});

t.test("flags become the query, and the answer is printed", async (t) => {
  const { fake, run } = await setUp(t, replyJson(MATCH));
  const flags = [
    "--event",
    "x.*",
    "--free",
    "a b",
    "--event=y",
    "--state-above",
    "3:k",
    "--message",
    "--task",
    "--task",
    "t1",
  ];
  const places = ["--instance", "ben", "--is", "gone", "--workspace", "w", "--after", "-c"];
  t.match(await run(...flags, ...places), { code: 0, stdout: `${JSON.stringify(MATCH)}\n`, stderr: "" });
  const conditions = "event=x.*&event=y&state_above=3%3Ak&message=1&task=1&task_ended=t1&free=a%20b&instance=ben";
  t.match(fake.requests[0]?.url, `/api/wait?${conditions}&is=gone&workspace=w&after=-c&wait=60`);
  fake.answer = () => NOTHING("c1");
  t.match(await run("--task", "--timeout", "1ms"), {
    code: 124,
    stdout: '{"matched":null,"cursor":"c1"}\n',
    stderr: "",
  });
  t.match(await run("--pretty", "--spec-gone", "p/n", "--timeout", "0s"), {
    code: 124,
    stdout: /^\{\n {2}"matched": null/,
  });
  const before = fake.requests.length;
  for (const wrong of [[], ["--is", "gone"], ["--event"], ["--event", "--free", "r"], ["--timeout", "soon"], ["x"]])
    t.match(await run(...wrong), { code: 2, stdout: "" }, wrong.join(" "));
  t.equal(fake.requests.length, before);
});
