/**
 * Tests the session as whose instance commands act: its precedence over other identities, and the fallback to the
 * folder's instance.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson, type Reply, type SeenRequest } from "../test/cli/fake-server.js";
import { RunningCli, runCli } from "../test/cli/run-cli.js";

const ID = "5e7b17c4-771f-4532-ba3e-316440b425fd";

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const cwd = t.testdir({});
  const koor = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    await runCli(args, { cwd, env: { KOOR_SERVER: fake.url, ...more } });
  const save = (value: object): void => {
    mkdirSync(join(cwd, ".koor"), { recursive: true });
    writeFileSync(join(cwd, ".koor", "instance.json"), JSON.stringify(value));
  };
  return { fake, cwd, koor, save };
}

/** Returns the token, the instance and the session in the headers of a request. */
function identityOf(request: Pick<SeenRequest, "headers"> | undefined): readonly (string | string[] | undefined)[] {
  const { authorization, "x-koor-instance": instance, "x-koor-session": session } = request?.headers ?? {};
  return [authorization, instance, session];
}

t.test("the instance of the environment wins, then the session, then the folder's file", async (t) => {
  const { fake, koor, save } = await setUp(t);
  save({ id: "of-file", token: "own" });
  const ask = async (more: Readonly<Record<string, string>>) => {
    t.match(await koor(["state", "list"], more), { code: 0, stderr: "" });
    return identityOf(fake.requests.at(-1));
  };
  t.same(await ask({}), ["Bearer own", "of-file", undefined]);
  const clients = {
    COPILOT_AGENT_SESSION_ID: "of-copilot",
    QWEN_CODE_SESSION_ID: "of-qwen",
    CODEX_SESSION_ID: "of-codex",
    CLAUDE_CODE_SESSION_ID: "of-claude",
    KOOR_SESSION: "a session",
    KOOR_INSTANCE: ID,
  };
  const variables = {};
  for (const [name, id] of Object.entries(clients)) {
    Object.assign(variables, { [name]: id });
    const expected = name === "KOOR_INSTANCE" ? [undefined, ID, undefined] : ["Bearer own", undefined, id];
    t.same(await ask(variables), expected, name);
  }
  const token = { KOOR_TOKEN: "given", KOOR_SESSION: "s" };
  t.same(await ask(token), ["Bearer given", undefined, "s"]);
});

t.test("an invalid KOOR_SESSION is refused, and that of a client is ignored", async (t) => {
  const { fake, koor } = await setUp(t);
  const rule = "koor: KOOR_SESSION must be 1 to 128 printable ASCII characters, without spaces at the ends\n";
  const invalid = ["ü", "a\nb", "a\u001b[31m", "a\u007f", " a", "a ", "x".repeat(129)];
  for (const value of invalid) {
    t.same(await koor(["state", "list"], { KOOR_SESSION: value }).then(({ code, stderr }) => [code, stderr]), [
      2,
      rule,
    ]);
    t.match(await koor(["whoami"], { KOOR_SESSION: value }), { code: 2, stdout: "", stderr: rule });
  }
  t.same(fake.requests, [], "nothing was sent");
  for (const value of ["", ...invalid]) {
    t.match(await koor(["state", "list"], { CLAUDE_CODE_SESSION_ID: value }), { code: 0, stderr: "" });
    t.same(identityOf(fake.requests.at(-1)), [undefined, undefined, undefined], JSON.stringify(value));
    await koor(["state", "list"], { CLAUDE_CODE_SESSION_ID: value, CODEX_SESSION_ID: "next" });
    t.same(identityOf(fake.requests.at(-1)), [undefined, undefined, "next"]);
  }
  for (const value of ["x", "x".repeat(128), "a b~!"]) {
    t.match(await koor(["state", "list"], { KOOR_SESSION: value }), { code: 0 });
    t.same(identityOf(fake.requests.at(-1)), [undefined, undefined, value]);
  }
  t.match(await koor(["state", "list"], { KOOR_SESSION: "", KOOR_INSTANCE: ID }), { code: 0 }, "empty is not set");
});

t.test("if the server does not know a client's session, the folder's file acts", async (t) => {
  const { fake, koor, save } = await setUp(t);
  const unknown = (): Reply => replyError(404, "session not found: s");
  save({ id: "of-file", token: "own" });
  const acquire = ["lease", "acquire", "deploy"];
  fake.answer = ({ headers }) =>
    headers["x-koor-session"] === undefined ? replyJson({ id: "lease-1", state: "held" }) : unknown();
  t.match(await koor(acquire, { CLAUDE_CODE_SESSION_ID: "s", KOOR_TOKEN: "given" }), { code: 0, stderr: "" });
  t.same(fake.requests.map(identityOf), [
    ["Bearer given", undefined, "s"],
    ["Bearer given", "of-file", undefined],
  ]);
  fake.requests.length = 0;
  fake.answer = () => replyError(401, "invalid or missing bearer token");
  t.match(await koor(acquire, { CLAUDE_CODE_SESSION_ID: "s" }), { code: 1, stderr: /bearer/ });
  t.equal(fake.requests.length, 1, "a wrong token is not sent twice");
  fake.requests.length = 0;
  fake.answer = unknown;
  const refused = { code: 1, stdout: "", stderr: "koor: session not found: s (404)\n" };
  t.match(await koor(acquire, { CLAUDE_CODE_SESSION_ID: "s" }), refused);
  t.equal(fake.requests.length, 2, "it is repeated once");
  fake.requests.length = 0;
  t.match(await koor(acquire, { KOOR_SESSION: "s" }), refused, "the user's own word stays");
  t.equal(fake.requests.length, 1);
  fake.answer = () => replyError(404, "lease not found: x");
  t.match(await koor(["lease", "get", "x"], { CLAUDE_CODE_SESSION_ID: "s" }), { code: 1, stderr: /lease not found/ });
  t.equal(fake.requests.length, 2, "another 404 is no reason to repeat it");
});

t.test("later calls and subscriptions of one command keep the identity that the server knows", async (t) => {
  const { fake, cwd, save } = await setUp(t);
  save({ id: "of-file", token: "own" });
  fake.answer = ({ headers }) =>
    headers["x-koor-session"] === undefined ? replyJson({ last_event_id: 5 }) : replyError(404, "session not found: s");
  const seen: unknown[] = [];
  fake.onSocket = (socket, _url, headers) => {
    seen.push(identityOf({ headers }));
    socket.send('{"id":6,"topic":"a"}');
  };
  const env = { KOOR_SERVER: fake.url, CLAUDE_CODE_SESSION_ID: "s" };
  const running = new RunningCli(["events", "subscribe", "a"], { cwd, env });
  t.teardown(() => running.kill());
  await running.untilLines(1);
  t.same(seen, [["Bearer own", "of-file", undefined]]);
  t.same(fake.requests.map(identityOf), [
    ["Bearer own", undefined, "s"],
    ["Bearer own", "of-file", undefined],
  ]);
});

t.test("a registration concerns the folder, also in the shell of a session", async (t) => {
  const { fake, cwd, koor, save } = await setUp(t);
  const known = { id: ID, name: "ana", workspace: "w", stack: "", intent: "" };
  fake.answer = () => replyJson(known);
  save({ id: ID, token: "own" });
  t.match(await koor(["register", "ana"], { CLAUDE_CODE_SESSION_ID: "s" }), { code: 0, stdout: /"token":"own"/ });
  t.same(
    fake.requests.map(({ method }) => method),
    ["GET", "GET"],
    "the folder's instance was found again",
  );
  t.same(identityOf(fake.requests[0]), ["Bearer own", ID, undefined]);
  t.match(JSON.parse(readFileSync(join(cwd, ".koor", "instance.json"), "utf8")), { id: ID });
});

t.test("a registration sends the checkout, and a repeated one changes it", async (t) => {
  const { fake, cwd, koor } = await setUp(t);
  const bodies = (method: string) =>
    fake.requests
      .filter((request) => request.method === method)
      .map(({ body }) => JSON.parse(body.toString()) as Readonly<Record<string, unknown>>);
  fake.answer = () => replyJson({ id: ID, token: "own" });
  t.match(await koor(["register", "ana", "--save", "--workspace", "w"]), { code: 0 });
  const { checkout } = bodies("POST")[0] ?? {};
  t.match(checkout, { id: /^[0-9a-f]{16}$/, branch: String, root: String, machine: String });
  const known = { id: ID, name: "ana", workspace: "w", stack: "", intent: "" };
  const answers: readonly (readonly [checkout: unknown, changes: number])[] = [
    [checkout, 0],
    [undefined, 0],
    [null, 1],
    [{ ...(checkout as object), branch: "another" }, 1],
  ];
  for (const [stored, changes] of answers) {
    fake.requests.length = 0;
    fake.answer = () => replyJson({ ...known, ...(stored === undefined ? {} : { checkout: stored }) });
    t.match(await koor(["register", "ana"]), { code: 0, stderr: "" });
    t.same(
      bodies("PATCH"),
      Array.from({ length: changes }, () => ({ checkout })),
      JSON.stringify(stored),
    );
    if (changes > 0) t.equal(fake.requests.find(({ method }) => method === "PATCH")?.url, `/api/instances/${ID}`);
  }
  t.same(bodies("POST"), [], "it stays the same instance");
  fake.answer = () => replyJson({ id: ID });
  await koor(["register", "ben"], { KOOR_WORKSPACE: "of the shell" });
  await koor(["register", "ben", "--workspace", ""], { KOOR_WORKSPACE: "of the shell" });
  t.match(
    bodies("POST").map(({ workspace }) => workspace),
    ["of the shell", ""],
  );
  mkdirSync(join(cwd, ".koor"), { recursive: true });
  writeFileSync(join(cwd, ".koor", "project.json"), "{");
  fake.requests.length = 0;
  t.match(await koor(["register", "eve"]), { code: 3, stdout: "", stderr: /\.koor\/project\.json is not valid JSON/ });
  t.same(bodies("POST"), [], "nothing is registered then");
});
