/**
 * Tests small requests that would cost much: globs, patterns and contracts whose comparison takes long. Each is a 400
 * that says so, and requests as teams make them are accepted beside it.
 */
import t, { type Test } from "tap";
import { ACQUIRE_COSTLY_GLOBS_MIN, GLOB_CHARACTERS_TOGETHER_MAX } from "../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX } from "../schemas/limits/leases.js";
import { LONG_WORK_TOGETHER_MAX, LONG_WORK_WAITING_MAX, SHORT_WORK_BYTES_MAX } from "../schemas/limits/pool.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { must } from "../src/base/assert.js";
import { Agent } from "./support/leasing.js";
import { startKoor } from "./support/server-process.js";
import { addTasks, callTask, claimOne } from "./support/tasking.js";
import { singleServerOnly } from "./support/variant.js";
import { openSocket, openStream, UpgradeRefused } from "./support/subscriber.js";

/** Globs of nearly the longest size, all of them different. */
function hostileGlobs(kind: "characters" | "segments" | "braces", count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, at) => {
    const name = (first + at).toString(36);
    if (kind === "characters") return `path:${"*a".repeat(230)}${name}*z${name}`;
    if (kind === "segments") return `path:${"**/*a*/".repeat(60)}${name}`;
    return `path:${"*a".repeat(100)}${name}{${Array.from({ length: 64 }, (_each, one) => one).join(",")}}`;
  });
}

function refuses(t: Test, answer: Answer, message: RegExp, name: string): void {
  t.equal(answer.status, 400, name);
  t.match(answer.json<{ readonly error: string }>().error, message, name);
}

const TOO_WILD = new RegExp(`cost too much to compare: .* more than ${GLOB_CHARACTERS_TOGETHER_MAX} characters`);

t.test("globs whose comparison would take long are refused", async (t) => {
  const { port } = await startKoor(t);
  const evil = await Agent.register(port, "evil");
  for (const kind of ["characters", "segments", "braces"] as const) {
    const globs = hostileGlobs(kind, LEASE_RESOURCES_MAX);
    refuses(t, await evil.tryLease(globs), TOO_WILD, `a lease, ${kind}`);
    const task = await sendJson(port, "POST", "/api/tasks", { title: "x", resources: globs });
    refuses(t, task, TOO_WILD, `a task, ${kind}`);
  }
  const free = hostileGlobs("characters", 20).map((glob) => `free=${encodeURIComponent(glob)}`);
  refuses(t, await send(port, "GET", `/api/wait?workspace=w&${free.join("&")}`), TOO_WILD, "a wait");
  const braces = encodeURIComponent(hostileGlobs("braces", 1)[0] ?? "");
  refuses(t, await send(port, "GET", `/api/leases?resource=${braces}`), TOO_WILD, "a list");
});

t.test("globs that cost too much beside those that are leased are refused", async (t) => {
  const { port } = await startKoor(t);
  const statuses: number[] = [];
  for (let at = 0; at < 12; at++) {
    const agent = await Agent.register(port, `agent-${at}`);
    const answer = await agent.tryLease(hostileGlobs("characters", 8, at * 8));
    statuses.push(answer.status);
    if (answer.status !== 200) refuses(t, answer, /would take more than \d+ steps/, `lease ${at}`);
  }
  t.ok(
    statuses.slice(0, 2).every((status) => status === 200),
    "the first are accepted",
  );
  t.equal(statuses.at(-1), 400, "but not all");
  const free = hostileGlobs("characters", 8, 500).map((glob) => `free=${encodeURIComponent(glob)}`);
  const waits = await send(port, "GET", `/api/wait?workspace=w&${free.join("&")}`);
  t.ok(waits.status === 200 || waits.status === 400);
  const team = await Agent.register(port, "team");
  await team.lease(["path:src/**", "path:**/*.test.ts", "path:docs/*.md", "path:test/{unit,e2e}/**/*Service*.ts"]);
  t.equal((await send(port, "GET", "/api/wait?workspace=w&free=path%3Aother%2F**")).status, 200);
  t.equal((await sendJson(port, "POST", "/api/leases/check", { workspace: "w", paths: ["src/a.ts"] })).status, 200);
});

t.test(
  "a request that is compared with many leases gets a transaction of its own",
  { skip: singleServerOnly("the entries of the log decide which calls share a transaction") },
  async (t) => {
    const { port } = await startKoor(t);
    const holder = await Agent.register(port, "holder");
    const queue = await Agent.register(port, "queue");
    const evil = await Agent.register(port, "evil");
    await holder.lease(["deploy"]);
    /** Sends requests for different resources at the same time, and returns the statuses of the answers. */
    const sendMany = async (count: number, ask: (at: number) => Promise<Answer>): Promise<Set<number>> => {
      const answers = await Promise.all(Array.from({ length: count }, (_, at) => ask(at)));
      return new Set(answers.map(({ status }) => status));
    };
    const waits = { queue: true, reuse: false };
    const queued = await sendMany(ACQUIRE_COSTLY_GLOBS_MIN + 1, (at) => queue.tryLease(["deploy", `n-${at}`], waits));
    t.same([...queued], [202]);
    const batches = async (): Promise<number> =>
      Number(/^koor_writer_batch_calls_count (\d+)$/m.exec((await send(port, "GET", "/metrics")).text)?.[1]);
    const before = await batches();
    t.same([...(await sendMany(60, () => evil.tryLease(["deploy"])))], [409]);
    const between = await batches();
    t.ok(between >= before + 60, "so that other writes come between them");
    t.same([...(await sendMany(60, (at) => holder.tryLease([`n-${at}`], waits)))], [200]);
    const after = await batches();
    t.ok(after >= between + 60, "the holder for which they wait");
    const hook = (event: string, more: object): Promise<Answer> =>
      sendJson(
        port,
        "POST",
        "/api/hooks/claude",
        { session_id: "s", cwd: "/w", hook_event_name: event, ...more },
        { "X-Koor-Workspace": evil.workspace },
      );
    t.equal((await hook("SessionStart", {})).status, 200);
    const instances = (await send(port, "GET", "/api/instances")).json<
      { readonly id: string; readonly name: string }[]
    >();
    const session = instances.find(({ name }) => name.startsWith("claude-"))?.id ?? "";
    const place = { resources: ["deploy"], queue: true };
    const headers = { "X-Koor-Instance": session };
    t.equal((await sendJson(port, "POST", "/api/leases", place, headers)).status, 202);
    const edit = (at: number): Promise<Answer> =>
      hook("PreToolUse", { tool_name: "Edit", tool_use_id: `t-${at}`, tool_input: { file_path: `/w/f${at}` } });
    const later = await batches();
    t.same([...(await sendMany(60, edit))], [200]);
    t.ok((await batches()) >= later + 60, "an automatic lease");
    const names = Array.from({ length: 60 }, (_, at) => `m-${at}`);
    const leases = await Promise.all(names.map((name) => holder.lease([name])));
    const shared = { ...waits, mode: "shared" };
    t.same([...(await sendMany(60, () => queue.tryLease(names, shared)))], [202]);
    const last = await batches();
    t.same(
      new Set(await Promise.all(leases.map(async (lease) => (await holder.release(lease)).status))),
      new Set([200]),
    );
    t.ok((await batches()) >= last + 60, "the end of a lease for which many wait");
    const files = Array.from({ length: 60 }, (_, at) => `k-${at}`);
    await addTasks(holder, ...files.map((file) => ({ resources: [file] })));
    const tasks = await Promise.all(files.map(() => claimOne(holder)));
    t.same([...(await sendMany(60, () => queue.tryLease(files, shared)))], [202]);
    const end = await batches();
    const verbs = ["complete", "fail", "release", "ask"] as const;
    const more = { complete: {}, fail: { error: "e" }, release: {}, ask: { question: "q" } };
    const endOne = (at: number): Promise<Answer> => {
      const verb = verbs[at % verbs.length] ?? "complete";
      return callTask(holder, must(tasks[at], "each was claimed"), verb, more[verb]);
    };
    t.same([...(await sendMany(60, endOne))], [200]);
    t.ok((await batches()) >= end + 60, "the end of a task with such a lease");
  },
);

t.test("patterns of a wait that cost too much are refused, and many cheap ones are accepted", async (t) => {
  const { port } = await startKoor(t);
  const ask = (patterns: readonly string[], wait = 0): Promise<Answer> =>
    send(port, "GET", `/api/wait?wait=${wait}&${patterns.map((one) => `event=${encodeURIComponent(one)}`).join("&")}`);
  const deep = Array.from({ length: 64 }, (_, at) => `**.${"a.".repeat(50)}${at}`);
  refuses(t, await ask(deep), /patterns of event cost too much: .* more than \d+ steps/, "segments");
  // Each event was once read for each pattern. Now events are read once, and the oldest that any pattern matches is
  // reported.
  const many = Array.from({ length: 63 }, (_, at) => `none-${at}.**`);
  const first = (await ask([...many, "hot.*"])).json<{ readonly cursor: string; readonly matched: unknown }>();
  t.equal(first.matched, null);
  for (const topic of ["cold.0", "hot.1", "none-7.x", "hot.2"])
    t.equal((await sendJson(port, "POST", "/api/events/publish", { topic })).status, 200);
  const reported: string[] = [];
  for (let { cursor } = first; ; ) {
    const patterns = [...many, "hot.*"].map((one) => `event=${encodeURIComponent(one)}`).join("&");
    const next = (await send(port, "GET", `/api/wait?after=${cursor}&${patterns}`)).json<{
      readonly cursor: string;
      readonly matched: { readonly event: { readonly topic: string } } | null;
    }>();
    if (next.matched === null) break;
    reported.push(next.matched.event.topic);
    cursor = next.cursor;
  }
  t.same(reported, ["hot.1", "none-7.x", "hot.2"], "they are reported in their order, each once");
});

t.test(
  "dear patterns of subscribers and waits are refused, alone and beside each other, and plain ones are not",
  async (t) => {
    const { port } = await startKoor(t);
    const query = (pattern: string): string => `pattern=${encodeURIComponent(pattern)}`;
    const socketStatus = (pattern: string): Promise<number> =>
      openSocket(t, port, query(pattern)).then(
        () => 101,
        (error: unknown) => (error instanceof UpgradeRefused ? error.status : 0),
      );
    const others = (pattern: string, wait: number): Promise<number[]> => {
      const text = encodeURIComponent(pattern);
      const paths = [`/api/events/history?topic=${text}&wait=${wait}`, `/api/wait?event=${text}&wait=${wait}`];
      return Promise.all(paths.map(async (path) => (await send(port, "GET", path)).status));
    };
    const streamStatus = async (pattern: string): Promise<number> =>
      (await send(port, "GET", `/api/events/stream?${query(pattern)}`)).status;

    const alone = `**.${"*?.".repeat(250)}**`;
    t.same([await socketStatus(alone), await streamStatus(alone), ...(await others(alone, 1))], [400, 400, 400, 400]);
    const first = await openStream(t, port, query(`**.${"?.".repeat(150)}**`));
    const second = `**.${"[ab].".repeat(150)}**`;
    t.same(
      [await socketStatus(second), await streamStatus(second), ...(await others(second, 1))],
      [503, 503, 503, 503],
    );
    t.same(await others(second, 0), [200, 200], "a call that does not wait subscribes to nothing");
    t.equal(await socketStatus("build.**"), 101);
    t.same(await others("build.*", 1), [200, 200]);
    t.equal((await sendJson(port, "POST", "/api/events/publish", { topic: "b.c" })).status, 200);
    t.ok(first);
  },
);

t.test("a contract with exploding alternatives is refused", async (t) => {
  const { port } = await startKoor(t);
  const defs: Record<string, unknown> = { d30: { type: "object" } };
  for (let at = 0; at < 30; at++) {
    const next = { $ref: `#/$defs/d${at + 1}` };
    defs[`d${at}`] = { allOf: [next, next] };
  }
  const endpoints = { "POST /x": { request: { schema: { $ref: "#/$defs/d0", $defs: defs } } } };
  t.equal((await sendJson(port, "PUT", "/api/specs/p/c", { kind: "contract", endpoints })).status, 200);
  const validate = (): Promise<Answer> =>
    sendJson(port, "POST", "/api/contracts/p/c/validate", { endpoint: "POST /x", payload: {} });
  const answers = await Promise.all(Array.from({ length: 8 }, validate));
  for (const answer of answers) refuses(t, answer, /costs too much: .* more than \d+ steps/, "its check");
  const tested = await sendJson(port, "POST", "/api/contracts/p/c/test", {
    endpoint: "POST /x",
    base_url: "http://127.0.0.1:1",
    test_data: {},
  });
  refuses(t, tested, /costs too much/, "a live test of it");
});

t.test("a contract with long patterns is refused", async (t) => {
  const { port } = await startKoor(t);
  const patternProperties: Record<string, boolean> = {};
  for (let at = 100; at < 160; at++) patternProperties[`^(a?){${at}}$`] = true;
  const endpoints = { "POST /x": { request: { schema: { patternProperties } } } };
  t.equal((await sendJson(port, "PUT", "/api/specs/p/c", { kind: "contract", endpoints })).status, 200);
  const payload = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${"a".repeat(100)}${at}`, at]));
  const answer = await sendJson(port, "POST", "/api/contracts/p/c/validate", { endpoint: "POST /x", payload });
  refuses(t, answer, /costs too much: .* more than \d+ steps/, "its check");
});

t.test("one caller's long work leaves others room to wait", async (t) => {
  const { port } = await startKoor(t);
  const rules = [{ rule_id: "slow", pattern: "a[ab]{99}$" }];
  t.equal((await sendJson(port, "PUT", "/api/validate/p/rules", rules)).status, 200);
  const text = `${"ab".repeat(SHORT_WORK_BYTES_MAX)}\n`;
  const ask = (headers: Agent["headers"]): Promise<Answer> =>
    send(port, "POST", "/api/validate/p", { body: JSON.stringify({ content: text }), headers });
  const agent = await Agent.register(port, "evil");
  let refusal: (answer: Answer) => void = () => undefined;
  const refused = new Promise<Answer>((resolve) => {
    refusal = resolve;
  });
  const greedy = Array.from({ length: LONG_WORK_TOGETHER_MAX + LONG_WORK_WAITING_MAX + 3 }, () =>
    ask(agent.headers).then((answer) => {
      if (answer.status === 503) refusal(answer);
    }),
  );
  await Promise.race([refused, Promise.all(greedy)]);
  t.equal((await ask({})).status, 200, "another caller has room, and its turn comes soon");
  await Promise.all(greedy);
  t.match(await refused, { status: 503 }, "one caller may not have all places");
});
