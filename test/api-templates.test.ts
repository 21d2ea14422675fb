/** Tests "Templates" of the HTTP API: templates, the data of each kind, and that applying is all or nothing. */
import t from "tap";
import { PROJECT_RULES_MAX } from "../schemas/limits/rules.js";
import { TIMESTAMP } from "./support/answers.js";
import { send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { startKoor } from "./support/server-process.js";

const koor = await startKoor(t);
const { port } = koor;
const PATH = "/api/templates";

const create = (body: unknown): Promise<Answer> => sendJson(port, "POST", PATH, body);
const apply = (id: string, project: string): Promise<Answer> =>
  sendJson(port, "POST", `${PATH}/${id}/apply`, { project });
const get = (path: string): Promise<Answer> => send(port, "GET", path);
const errorOf = (answer: Answer): string => `${answer.status} ${answer.json<Refusal>().error}`;
const lastAudit = async (): Promise<unknown> => (await get("/api/audit?limit=1")).json<readonly unknown[]>()[0];
const rows = async (): Promise<number> =>
  (await get("/api/audit/summary")).json<{ readonly total_entries: number }>().total_entries;
const ids = async (query: string): Promise<unknown[]> =>
  (await get(`${PATH}${query}`)).json<{ readonly id: string }[]>().map(({ id }) => id);
const rulesOf = async (project: string): Promise<Readonly<Record<string, unknown>>[]> =>
  (await get(`/api/validate/${project}/rules`)).json<{ readonly rules: Readonly<Record<string, unknown>>[] }>().rules;

const rule = { rule_id: "r", pattern: "x" };
const contract = { kind: "contract", version: 1, endpoints: { "GET /x": { response: { a: { type: "string" } } } } };

t.test("templates can be created, read, listed and deleted", async (t) => {
  const body =
    '{"id":"t/1","name":"T","description":"d","kind":"rules",' +
    '"data":[{"rule_id":"r","pattern":"x","more":12345678901234567890}],"tags":["go","http"]}';
  const answer = await create(body);
  t.equal(answer.status, 200);
  const { created_at } = answer.json<{ readonly created_at: string }>();
  t.match(created_at, TIMESTAMP);
  const head = '{"id":"t/1","name":"T","description":"d","kind":"rules"';
  const tail = `"tags":["go","http"],"version":1,"created_at":"${created_at}","updated_at":"${created_at}"}`;
  t.equal(
    answer.text,
    `${head},"data":[{"rule_id":"r","pattern":"x","more":12345678901234567890}],${tail}\n`,
    "the data as it was sent",
  );
  t.match(await lastAudit(), { action: "template.create", resource: "t/1", outcome: "success" });
  t.equal((await get(`${PATH}/t%2F1`)).text, answer.text);
  t.equal((await get(PATH)).text, `[${head},${tail}]\n`, "a summary has no data");
  t.match(
    (await create({ id: "a", name: "A" })).json(),
    { description: "", kind: "rules", data: [], tags: [], version: 1 },
    "defaults",
  );
  await create({ id: "c", name: "C", kind: "contracts", data: contract, tags: ["go"] });
  t.same(await ids(""), ["a", "c", "t/1"], "by id");
  t.same(await ids("?kind=rules"), ["a", "t/1"]);
  t.same(await ids("?tag=go"), ["c", "t/1"]);
  t.same(await ids("?kind=contracts&tag=go"), ["c"]);
  t.same(await ids("?kind=bundle"), []);
  t.equal(errorOf(await get(`${PATH}?kind=none`)), "400 kind must be rules, contracts, bundle");
  t.equal(errorOf(await create({ id: "a", name: "again" })), "409 template already exists: a");
  t.match(await lastAudit(), { action: "template.create", resource: "a", outcome: "error" });
  t.equal((await send(port, "DELETE", `${PATH}/t%2F1`)).text, '{"deleted":"t/1"}\n');
  t.match(await lastAudit(), { action: "template.delete", resource: "t/1", outcome: "success" });
  for (const [method, path] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/apply"],
  ] as const) {
    t.equal(
      errorOf(await sendJson(port, method, `${PATH}/t%2F1${path}`, method === "POST" ? { project: "p" } : "")),
      "404 template not found: t/1",
    );
  }
  t.match(await lastAudit(), { action: "template.apply", resource: "t/1", outcome: "error" });
});

t.test("data that does not fit its kind is a 400, and stores nothing", async (t) => {
  const before = await ids("");
  const bundle = { id: "b", name: "B", kind: "bundle" };
  const refused: readonly [body: unknown, says: string][] = [
    [[], "the body must be an object"],
    ["", "empty body"],
    ["{", "malformed JSON body"],
    [{ name: "B" }, "id is required"],
    [{ id: "b" }, "name is required"],
    [{ id: "b\n", name: "B" }, "id must not contain control characters"],
    [{ id: "b", name: "B", kind: "x" }, "kind must be rules, contracts or bundle"],
    [{ id: "b", name: "B", tags: "x" }, "tags must be an array"],
    [{ id: "b", name: "B", tags: [1] }, "tags[0] must be a string"],
    [{ id: "b", name: "B", data: {} }, "data must be an array"],
    [{ id: "b", name: "B", data: null }, "data must be an array"],
    [
      { id: "b", name: "B", data: [{ rule_id: "x", pattern: "(" }] },
      'rule "x": pattern does not compile: missing closing ): `(`',
    ],
    [{ id: "b", name: "B", kind: "contracts" }, "data is required"],
    [
      { id: "b", name: "B", kind: "contracts", data: { kind: "contract" } },
      'data must be a contract: {"kind":"contract","endpoints":{…}}',
    ],
    [
      { id: "b", name: "B", kind: "contracts", data: [] },
      'data must be a contract: {"kind":"contract","endpoints":{…}}',
    ],
    [{ ...bundle, data: {} }, "data must be an object with rules or contracts"],
    [{ ...bundle, data: { rules: {} } }, "data.rules must be an array"],
    [{ ...bundle, data: { contracts: [] } }, "data.contracts must be an object of contracts by name"],
    [
      { ...bundle, data: { contracts: { a: {} } } },
      'data.contracts["a"] must be a contract: {"kind":"contract","endpoints":{…}}',
    ],
    [{ ...bundle, data: { rules: [{ pattern: "x" }], contracts: {} } }, "rule [0]: rule_id is required"],
  ];
  for (const [body, says] of refused) t.equal(errorOf(await create(body)), `400 ${says}`);
  t.match(
    await lastAudit(),
    { action: "template.create", resource: "b", outcome: "error" },
    "the body was read until the wrong member",
  );
  t.same(await ids(""), before);
});

t.test("applying a template imports its rules into the project", async (t) => {
  await create({
    id: "rules",
    name: "R",
    data: [
      { ...rule, project: "other" },
      { rule_id: "s", pattern: "y", source: "local" },
    ],
  });
  await sendJson(port, "PUT", "/api/validate/p1/rules", [
    { rule_id: "r", pattern: "old" },
    { rule_id: "kept", pattern: "k" },
  ]);
  const before = await rows();
  t.equal((await apply("rules", "p1")).text, '{"applied":"rules","project":"p1","kind":"rules"}\n');
  t.equal(await rows(), before + 1, "one row");
  t.match(await lastAudit(), {
    action: "template.apply",
    resource: "rules",
    outcome: "success",
    detail: '{"project":"p1","kind":"rules","rules":2,"contracts":0}',
  });
  t.match(await rulesOf("p1"), [
    { rule_id: "kept" },
    { rule_id: "r", pattern: "x", project: "p1", source: "external", status: "accepted" },
    { rule_id: "s", source: "local" },
  ]);
  t.same(await rulesOf("other"), []);
  t.match(
    (await sendJson(port, "POST", "/api/validate/p1", { content: "xyk" })).json(),
    { count: 3 },
    "and they are used at once",
  );
  for (const [body, says] of [
    [{}, "project is required"],
    [{ project: "" }, "project is required"],
    [{ project: 5 }, "project must be a string"],
    [{ project: "a\u0000" }, "project must not contain control characters"],
  ] as const) {
    t.equal(errorOf(await sendJson(port, "POST", `${PATH}/rules/apply`, body)), `400 ${says}`);
  }
});

t.test("applying a template stores its contracts as specs, and no read is older than the answer", async (t) => {
  await create(`{"id":"health","name":"H","kind":"contracts","data":{"kind":"contract", "endpoints":{},"n":1.0}}`);
  await send(port, "PUT", "/api/specs/p2/health", { body: "1" });
  t.equal((await get("/api/specs/p2/health")).text, "1", "it is in the cache");
  t.match((await apply("health", "p2")).json(), { applied: "health", kind: "contracts" });
  const spec = await get("/api/specs/p2/health");
  t.equal(spec.text, '{"kind":"contract", "endpoints":{},"n":1.0}', "byte for byte");
  t.equal(spec.headers["x-koor-version"], "2");
  t.equal(spec.headers["content-type"], "application/json");
  await apply("health", "p2");
  t.equal((await get("/api/specs/p2/health")).headers["x-koor-version"], "3");

  let newest = 3;
  const applying = { value: true };
  const writes = (async () => {
    for (let round = 0; round < 30; round++) await apply("health", "p2");
    applying.value = false;
  })();
  while (applying.value) {
    const [read, listed] = [await get("/api/specs/p2/health"), await get("/api/specs/p2")];
    const version = Number(read.headers["x-koor-version"]);
    if (version < newest) t.fail(`version ${version} after ${newest}`);
    newest = listed.json<{ readonly specs: readonly { readonly version: number }[] }>().specs[0]?.version ?? 0;
    if (newest < version) t.fail(`the list has ${newest} after ${version}`);
  }
  await writes;
  t.equal((await get("/api/specs/p2/health")).headers["x-koor-version"], "33");
});

t.test("a bundle is applied whole or not at all", async (t) => {
  const data = { rules: [rule], contracts: { "a/b": contract, c: contract } };
  await create({ id: "bundle", name: "B", kind: "bundle", data });
  t.equal((await apply("bundle", "p3")).text, '{"applied":"bundle","project":"p3","kind":"bundle"}\n');
  t.match(await rulesOf("p3"), [{ rule_id: "r" }]);
  t.same((await get("/api/specs/p3/a%2Fb")).json(), contract);
  t.same((await get("/api/specs/p3/c")).json(), contract);

  await sendJson(
    port,
    "PUT",
    "/api/validate/full/rules",
    Array.from({ length: PROJECT_RULES_MAX }, (_, at) => ({ rule_id: `f${at}`, pattern: "x" })),
  );
  t.match(errorOf(await apply("bundle", "full")), /^400 project "full" would have/);
  t.match(await lastAudit(), { action: "template.apply", resource: "bundle", outcome: "error" });
  t.same((await get("/api/specs/full")).json(), { project: "full", specs: [] }, "no contract either");
  const long = "p".repeat(1023);
  t.match(
    errorOf(await apply("bundle", long)),
    /^400 project and name of the contract "a\/b" are longer than 1024 characters/,
  );
  t.same(await rulesOf(long), [], "no rule either");
});

t.test("a contract that another instance has leased is not written", async (t) => {
  const [ana, bob] = [await Agent.register(port, "ana"), await Agent.register(port, "bob")];
  await create({
    id: "leased",
    name: "L",
    kind: "bundle",
    data: { rules: [rule], contracts: { a: contract, c: contract } },
  });
  const lease = await ana.lease(["spec:leased-1/c"]);
  const applyAs = (agent: Agent, project: string, fence = ""): Promise<Answer> =>
    agent.ask("POST", `${PATH}/leased/apply`, { project }, fence === "" ? {} : { "X-Koor-Fence": fence });
  const refused = await applyAs(bob, "leased-1");
  t.equal(errorOf(refused), "423 leased by ana");
  t.match(refused.json(), { lease: { id: lease.id } });
  t.equal(errorOf(await applyAs(bob, "leased-2", String(lease.fence))), "412 stale fence");
  t.match(errorOf(await applyAs(bob, "leased-2", "x")), /^400 X-Koor-Fence must be/);
  t.same(await rulesOf("leased-1"), [], "no rule either");
  t.same(
    (await get("/api/specs/leased-1")).json(),
    { project: "leased-1", specs: [] },
    "nor is the contract that is free",
  );
  t.equal((await applyAs(ana, "leased-1", String(lease.fence))).status, 200);
});

t.test("storing a template reports contracts with definitions that cannot be used", async (t) => {
  interface Warned {
    readonly warnings?: readonly { readonly contract: string; readonly path: string; readonly message: string }[];
  }
  const bad = String.raw`^(\w+) \1$`;
  const broken = { kind: "contract", endpoints: { "POST /x": { request: { schema: { pattern: bad } } } } };
  for (const [id, kind, data, name] of [
    ["broken", "contracts", broken, "broken"],
    ["both", "bundle", { contracts: { fine: contract, "b/c": broken } }, "b/c"],
  ] as const) {
    const created = await create({ id, name: id, kind, data });
    t.equal(created.status, 200, "it is stored nevertheless");
    const { warnings = [] } = created.json<Warned>();
    t.match(warnings, [{ contract: name, path: "POST /x.request" }]);
    t.equal(warnings.length, 1);
    t.ok(warnings[0]?.message.includes(`"${bad}" at /pattern`));
    t.same((await apply(id, "warned")).json<Warned>().warnings, warnings, "applying it reports the same");
    t.notOk(Object.hasOwn((await get(`${PATH}/${id}`)).json<object>(), "warnings"));
  }
  await create({ id: "sound", name: "sound", kind: "contracts", data: contract });
  t.same((await apply("sound", "warned")).json(), { applied: "sound", project: "warned", kind: "contracts" });
});

t.test("templates are there after a restart", async (t) => {
  const before = await get(PATH);
  t.equal(await koor.stop(), 0);
  t.notMatch(koor.log(), /level=ERROR/);
  const again = await startKoor(t, { data_dir: koor.data_dir });
  t.equal((await send(again.port, "GET", PATH)).text, before.text);
  t.equal((await sendJson(again.port, "POST", `${PATH}/bundle/apply`, { project: "p4" })).status, 200);
});
