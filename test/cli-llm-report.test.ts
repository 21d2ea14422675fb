/**
 * Tests `llm report` against a real server. New usage must count exactly once, whatever happens to the file, the
 * command and the server. No text of the transcript may be sent.
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { FakeServer, replyError, replyJson } from "./cli/fake-server.js";
import { runCli, type CliResult } from "./cli/run-cli.js";
import { sendHook } from "./support/hook-work.js";
import { send } from "./support/http-client.js";
import { blocksOf } from "./support/recipe.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

const SECRET = "the text of a prompt";

interface Reports {
  readonly reports: readonly { readonly model: string; readonly tokens_in: number; readonly cost_usd: number | null }[];
}

/** Makes a line in the format of Claude Code. */
function line(id: string, input: number, more: object = {}): string {
  const usage = { input_tokens: input, cache_read_input_tokens: 1, output_tokens: 2 };
  const message = { id, model: "claude-large", role: "assistant", content: [{ type: "text", text: SECRET }], usage };
  const timestamp = new Date().toISOString();
  return `${JSON.stringify({ type: "assistant", sessionId: "ana", message, timestamp, ...more })}\n`;
}

class Place {
  readonly home: string;
  readonly path: string;
  readonly #url: string;

  constructor(t: Test, url: string) {
    this.home = makeDirectory(t);
    this.path = join(this.home, ".claude", "projects", "p", "ana.jsonl");
    mkdirSync(dirname(this.path), { recursive: true });
    this.#url = url;
  }

  run(...words: string[]): Promise<CliResult> {
    const env = { HOME: this.home, KOOR_SERVER: this.#url, KOOR_WORKSPACE: "shop" };
    return runCli(["llm", "report", ...words, this.path], { cwd: this.home, env });
  }

  /** Runs the command, and returns the tokens of each report. */
  async report(...words: string[]): Promise<number[]> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as Reports).reports.map(({ tokens_in }) => tokens_in);
  }
}

t.test("what is new counts for the session's instance, once", async (t) => {
  const { port, url } = await startKoor(t);
  const session = { client: "claude", session: "ana", checkout: "c", branch: "main", root: "/work/a" };
  await sendHook(port, session, "SessionStart");
  const place = new Place(t, url);
  writeFileSync(place.path, line("m1", 10) + line("m1", 10) + line("m2", 5));
  t.same(await place.report(), [17]);
  t.same(await place.report(), []);
  appendFileSync(place.path, line("m2", 5) + line("m3", 1).slice(0, -20));
  t.same(await place.report(), [], "a repeated message, and a line that is not whole");
  const [instance] = (await send(port, "GET", "/api/instances")).json<readonly { readonly id: string }[]>();
  t.match((await send(port, "GET", "/api/llm/usage")).json(), [
    {
      provider: "anthropic",
      model: "claude-large",
      instance_id: instance?.id,
      project: "shop",
      tokens_in: 17,
      tokens_out: 4,
      cost_usd: 0,
      request_type: "transcript",
    },
  ]);
  const budget = { scope: "workspace", target: "shop", tokens: 20 };
  await send(port, "PUT", "/api/budgets/b", { body: JSON.stringify(budget) });
  writeFileSync(place.path, line("m4", 30, { timestamp: new Date(Date.now() + 1000).toISOString() }));
  t.same(await place.report(), [31]);
  t.match((await send(port, "GET", "/api/budgets")).json(), {
    budgets: [{ state: "exhausted", unpriced: 1, used: { tokens: 33, reports: 1 } }],
  });
});

t.test("a file that was replaced, rewritten or cut does not count twice", async (t) => {
  const { url } = await startKoor(t);
  const place = new Place(t, url);
  const times = [1, 2, 3, 4].map((at) => new Date(Date.now() - 60_000 + at * 1000).toISOString());
  const lines = times.map((timestamp, at) => line(`m${at}`, 10, { timestamp }));
  writeFileSync(place.path, lines.slice(0, 2).join(""));
  t.same(await place.report(), [22]);
  const copy = `${place.path}.new`;
  writeFileSync(copy, lines.slice(0, 3).join(""));
  renameSync(copy, place.path);
  t.same(await place.report(), [11], "another file: only what is newer");
  writeFileSync(place.path, lines[0] ?? "");
  t.same(await place.report(), [], "shorter");
  writeFileSync(place.path, `{"type":"summary"}\n${lines.join("")}`);
  t.same(await place.report(), [11], "longer, with other bytes before the position");
});

t.test("old lines count at the first report only if they are asked for", async (t) => {
  const { url } = await startKoor(t);
  const old = line("m1", 10, { timestamp: new Date(Date.now() - 2 * 3_600_000).toISOString() });
  const place = new Place(t, url);
  writeFileSync(place.path, old + line("m2", 1));
  t.same(await place.report(), [2]);
  const other = new Place(t, url);
  writeFileSync(other.path, old + line("m2", 1));
  t.same(await other.report("--all"), [13]);
});

t.test("subagents are in files of their own", async (t) => {
  const { url } = await startKoor(t);
  const place = new Place(t, url);
  writeFileSync(place.path, line("m1", 10));
  const folder = join(dirname(place.path), "ana", "subagents");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "agent-1.jsonl"), line("s1", 100));
  writeFileSync(join(folder, "notes.txt"), line("s2", 1000));
  t.same(await place.report(), [112]);
  appendFileSync(join(folder, "agent-1.jsonl"), line("s3", 1));
  t.same(await place.report(), [2]);
});

t.test("prices of the user's settings make a cost", async (t) => {
  const { port, url } = await startKoor(t);
  const place = new Place(t, url);
  const folder = join(place.home, ".config", "koor");
  mkdirSync(folder, { recursive: true });
  const prices = { "claude-large": { input: 1_000_000, cache_read: 500_000, output: 0 } };
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ prices }));
  writeFileSync(place.path, line("m1", 2));
  await place.report();
  t.match((await send(port, "GET", "/api/llm/usage")).json(), [{ cost_usd: 2.5 }]);
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ prices: { "claude-large": 3 } }));
  appendFileSync(place.path, line("m2", 2));
  const { code, stderr } = await place.run();
  t.equal(code, 0);
  t.match(stderr, /prices must be/);
});

t.test("the prices of docs/budgets.md are dollars for a million tokens", async (t) => {
  const { port, url } = await startKoor(t);
  const place = new Place(t, url);
  const settings = blocksOf("docs/budgets.md").find((block) => block.includes('"prices"')) ?? "";
  mkdirSync(join(place.home, ".config", "koor"), { recursive: true });
  writeFileSync(join(place.home, ".config", "koor", "settings.json"), settings);
  writeFileSync(place.path, line("m1", 2_000_000).replace("claude-large", "large-1"));
  await place.report();
  const [report] = (await send(port, "GET", "/api/llm/usage")).json<{ cost_usd: number }[]>();
  t.equal(report?.cost_usd.toFixed(7), (6 + 0.3e-6 + 2 * 15e-6).toFixed(7));
});

t.test("a report that no server answers is sent again under its request_id, and texts stay here", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const place = new Place(t, fake.url);
  writeFileSync(place.path, line("m1", 10));
  fake.answer = () => replyError(503, "the server is stopping");
  t.equal((await place.run()).code, 3);
  fake.answer = () => replyJson({ id: 1, recorded: true });
  appendFileSync(place.path, line("m2", 5));
  fake.requests.length = 0;
  t.same(await place.report(), [11, 6]);
  const sent = fake.requests.map(({ body }) => JSON.parse(body.toString()) as { request_id: string });
  const ids = new Set(sent.map(({ request_id }) => request_id));
  t.equal(ids.size, 2);
  t.notOk(fake.requests.some(({ body }) => body.includes(SECRET)));
  t.equal(fake.requests[0]?.headers["x-koor-session"], "ana");
  const state = join(place.home, ".local", "state", "koor", "transcripts");
  for (const name of readdirSync(state)) t.notOk(readFileSync(join(state, name), "utf8").includes(SECRET), name);
  t.notOk(
    readdirSync(state).some((name) => /lock|part/.test(name)),
    "nothing is left",
  );
});

t.test("a report that the server refuses is dropped", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const place = new Place(t, fake.url);
  writeFileSync(place.path, line("m1", 10));
  fake.answer = () => replyError(400, "no");
  t.equal((await place.run()).code, 1);
  fake.answer = () => replyJson({ id: 1, recorded: true });
  t.same(await place.report(), []);
});

t.test("the report of a hook prints nothing, and keeps a gap during a turn", async (t) => {
  const { port, url } = await startKoor(t);
  const place = new Place(t, url);
  const hook = async (input: string, more: Readonly<Record<string, string>> = {}): Promise<number> => {
    const env = { HOME: place.home, KOOR_SERVER: url, KOOR_WORKSPACE: "shop", ...more };
    const { code, stdout } = await runCli(["hooks", "report"], { cwd: place.home, env, input });
    t.same([code, stdout], [0, ""]);
    return (await send(port, "GET", "/api/llm/usage")).json<readonly unknown[]>().length;
  };
  const of = (event: string): string =>
    JSON.stringify({ session_id: "ana", transcript_path: place.path, hook_event_name: event });
  for (const input of ["", "{", '{"transcript_path":7}', of("Stop")]) t.equal(await hook(input), 0, input);
  writeFileSync(place.path, line("m1", 10));
  t.equal(await hook(of("PostToolBatch")), 1);
  appendFileSync(place.path, line("m2", 10));
  const state = join(place.home, ".local", "state", "koor", "transcripts");
  // The time of the position is set to the future, so that the next report comes too soon, however slow the machine is.
  const [position = ""] = readdirSync(state);
  const laterS = Date.now() / 1000 + 600;
  utimesSync(join(state, position), laterS, laterS);
  t.equal(await hook(of("PostToolBatch")), 1, "too soon");
  t.equal(await hook("", { KOOR_HOOK: of("PostToolUse").slice(0, -5) }), 2, "koor-hook keeps the gap itself");
  appendFileSync(place.path, line("m3", 10));
  t.equal(await hook(of("Stop")), 3, "the end of a turn is never left out");
});

t.test("what cannot be read", async (t) => {
  const { url } = await startKoor(t);
  const place = new Place(t, url);
  t.match(await place.run(), { code: 3, stderr: /cannot read .*ana\.jsonl/ });
  mkdirSync(place.path);
  t.match(await place.run(), { code: 2, stderr: /it is a directory/ });
});
