/**
 * Tests work on tasks against a fake server: lost answers, ended claims, and the reports on tasks. The commands are
 * real processes.
 */
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson, type Reply, type SeenRequest } from "../test/cli/fake-server.js";
import { RunningCli } from "../test/cli/run-cli.js";

const TASK = { id: "t", state: "claimed", fence: 7, ttl_s: 600, ended_at: null, data: 1 };
const NONE = { task: null, lease: null };

type Answers = Readonly<Record<string, readonly Reply[]>>;

/**
 * Starts a fake server. For each kind of call (the last segment of its path), it sends the given replies one after the
 * other.
 */
async function setUp(t: Test, answers: Answers) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const left = new Map(Object.entries(answers).map(([call, replies]) => [call, [...replies]]));
  fake.answer = ({ url }) => {
    const replies = left.get(url.slice(url.lastIndexOf("/") + 1)) ?? [];
    return (replies.length > 1 ? replies.shift() : replies[0]) ?? replyError(404, "no such route");
  };
  const calls = (name: string): readonly SeenRequest[] => fake.requests.filter(({ url }) => url.endsWith(`/${name}`));
  return {
    fake,
    calls,
    bodies: (name: string): readonly unknown[] => calls(name).map(({ body }) => JSON.parse(String(body)) as unknown),
    work: (flags: readonly string[], code: string) => {
      const args = ["task", "work", ...flags, "--", process.execPath, "-e", code];
      const running = new RunningCli(args, {
        cwd: t.testdir(),
        env: { KOOR_SERVER: fake.url, KOOR_INSTANCE: "me", KOOR_LEASE: "an older one" },
      });
      t.teardown(() => running.kill());
      return running;
    },
  };
}

const CLAIMED: Reply = { body: '{"task":{"id":"t","state":"claimed","fence":7,"ttl_s":600,"data":1.0},"lease":null}' };
const ENDLESS = 'process.on("SIGTERM",()=>process.exit(0));setInterval(()=>{},1e9)';

t.test("the task is on stdin as the server sent it, and in the environment", async (t) => {
  const { work, bodies } = await setUp(t, { claim: [CLAIMED, replyJson(NONE)], complete: [replyJson({ done: true })] });
  const { KOOR_TASK, KOOR_FENCE, KOOR_INSTANCE, KOOR_LEASE } = {
    KOOR_TASK: 0,
    KOOR_FENCE: 0,
    KOOR_INSTANCE: 0,
    KOOR_LEASE: 0,
  };
  const names = Object.keys({ KOOR_TASK, KOOR_FENCE, KOOR_INSTANCE, KOOR_LEASE });
  const show =
    `process.stdout.write(${JSON.stringify(names)}.map((n) => process.env[n]).join() + " ");` +
    "process.stdin.pipe(process.stdout)";
  const running = work(["--wait", "0s", "--label", "a", "--label", "b", "--workspace", "w"], show);
  t.equal(await running.exit(), 0);
  t.match(bodies("claim")[0], { labels: ["a", "b"], workspace: "w", ttl_s: 60, wait_s: 0 });
  t.same(bodies("complete"), [
    { fence: 7, result: 't,7,me, {"id":"t","state":"claimed","fence":7,"ttl_s":600,"data":1.0}' },
  ]);
  t.equal(running.stdout, '{"done":true}\n');
});

t.test("after a lost answer the same claim is repeated, and the report is sent until it is answered", async (t) => {
  const { work, bodies } = await setUp(t, {
    claim: [replyJson(NONE), "half", replyError(503, "stopping"), CLAIMED],
    complete: ["close", replyError(502, "proxy"), replyJson({})],
  });
  const running = work(["--once"], "");
  t.equal(await running.exit(), 0);
  const claims = bodies("claim") as { readonly request_id: string; readonly wait_s: number }[];
  t.equal(claims.length, 4);
  t.equal(new Set(claims.slice(1).map(({ request_id }) => request_id)).size, 1, "with the same id");
  t.same(
    claims.map(({ wait_s }) => wait_s),
    [0, 60, 60, 60],
  );
  t.equal(bodies("complete").length, 3);
  t.match(running.stderr, /trying again\nkoor: the server is back\n[^]*trying again\nkoor: the server is back\n$/);
});

t.test("a server that is unreachable at the start, or refuses, ends it", async (t) => {
  const { work, calls } = await setUp(t, { claim: ["close", replyError(400, "this needs an instance")] });
  const unreachable = work([], "");
  t.equal(await unreachable.exit(), 3);
  t.match(unreachable.stderr, /cannot reach/);
  const refused = work([], "");
  t.equal(await refused.exit(), 1);
  t.match(refused.stderr, /this needs an instance \(400\)/);
  t.equal(calls("claim").length, 2);
});

t.test(
  "the command of a task that is no longer held is terminated without a report, and the next task is worked on",
  async (t) => {
    const { work, calls, bodies } = await setUp(t, {
      claim: [CLAIMED, replyJson({ task: { ...TASK, id: "u" }, lease: null }), replyJson(NONE)],
      progress: [replyError(409, "claim lost")],
      complete: [replyJson({})],
    });
    const running = work(["--ttl", "1s", "--wait", "0s"], `if(process.env.KOOR_TASK==="t"){${ENDLESS}}`);
    t.equal(await running.exit(), 1, "one task was not done");
    t.equal(running.stderr, "koor: the task t is not held any more: the command is stopped\n");
    t.same(bodies("progress"), [{ fence: 7 }]);
    t.same(
      calls("complete").map(({ url }) => url),
      ["/api/tasks/u/complete"],
    );
  },
);

t.test("a report that the server refuses is a warning, and the work continues", async (t) => {
  const { work, calls } = await setUp(t, {
    claim: [CLAIMED, CLAIMED, replyJson(NONE)],
    complete: [replyError(409, "claim lost")],
  });
  const running = work(["--wait", "0s"], "");
  t.equal(await running.exit(), 0);
  t.equal(running.stderr, "koor: the task t did not accept complete: claim lost (409)\n".repeat(2));
  t.equal(running.stdout, "");
  t.equal(calls("claim").length, 3);
});

t.test("when stopped while it waits, it releases the task that it just got", async (t) => {
  const { fake, work, bodies } = await setUp(t, {
    claim: [replyJson(NONE), CLAIMED],
    release: [replyJson({})],
  });
  const reply = fake.answer;
  let stop = (): void => undefined;
  let asked = 0;
  fake.answer = (request) => {
    if (!request.url.endsWith("/claim")) return reply(request);
    asked += 1;
    // The signal fires before the second call is answered, so the answer is lost.
    if (asked === 2) stop();
    return asked === 2 ? "close" : reply(request);
  };
  const running = work([], "");
  stop = () => running.child.kill("SIGTERM");
  t.equal(await running.exit(), 143);
  const claims = bodies("claim") as { readonly request_id: string; readonly wait_s: number }[];
  t.match(claims.at(-1), { wait_s: 0, request_id: claims[1]?.request_id });
  t.same(bodies("release"), [{ fence: 7, note: "not wanted" }]);
});
