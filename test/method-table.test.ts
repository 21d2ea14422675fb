/**
 * The table of RPC methods is the storage seam: each method has exactly one handler, in its lane, and what
 * the routes really send fits the schemas. The server of these tests checks every request on the thread
 * that carries it out (threads/checked-methods.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { METHODS, METHOD_NAMES, type Method } from "../schemas/methods.js";
import { JOBS } from "../src/jobs.js";
import { STAGING_METHODS } from "../workers/staging/methods.js";
import { COMMANDS } from "../workers/writer/commands.js";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { makeSnapshot } from "./support/snapshot.js";
import { CALLED_FILE, checkHandlers } from "./threads/checked-methods.js";

const PROGRAM = fileURLToPath(new URL("./threads/checked-server.js", import.meta.url));
/** The pruner asks a minute after the start; pruner.test.ts holds its request to the schema. */
const NOT_CALLED = new Set<string>(["events.prune"]);

t.test("each method has its handler, in its lane", (t) => {
  const lane = (wanted: string): string[] => METHOD_NAMES.filter((name) => METHODS[name].lane === wanted);
  t.same(Object.keys(COMMANDS).toSorted(), lane("writer").toSorted(), "the writer's commands");
  t.same(Object.keys(JOBS).toSorted(), lane("pool").toSorted(), "the pool's jobs");
  t.same(Object.keys(STAGING_METHODS).toSorted(), lane("staging").toSorted(), "what a restore's thread does");
  t.equal(new Set(METHOD_NAMES).size, METHOD_NAMES.length);
  for (const name of METHOD_NAMES) {
    const method: Method = METHODS[name];
    t.ok(method.deadline_ms > 0, name);
    if (method.lane === "writer") t.equal(method.kind, "unary", `${name}: the writer does not stream`);
    if (method.lane === "pool") t.equal(method.audit, null, `${name}: what only reads is not audited`);
    t.equal((method.request as { type?: string }).type, "object", `${name} takes an object`);
  }
  t.end();
});

t.test("a request that does not fit is caught", (t) => {
  const directory = makeDirectory(t);
  const handlers: Record<string, (context: unknown, request: unknown) => unknown> = {
    "state.list": () => "fine",
    "events.prune": () => ({ removed: "many", more: false }),
  };
  checkHandlers(handlers, directory);
  t.equal(handlers["state.list"]?.(null, { prefix: "", after: "", limit: null }), "fine");
  t.throws(() => handlers["state.list"]?.(null, { prefix: "", after: "", limit: 0 }), /request of state\.list/);
  t.throws(() => handlers["events.prune"]?.(null, { keep: 1 }), /reply of events\.prune/);
  t.equal(readFileSync(join(directory, CALLED_FILE), "utf8"), "state.list\nstate.list\nevents.prune\n");
  t.end();
});

t.test("what the routes send fits the schemas", async (t) => {
  const data_dir = makeDirectory(t);
  const koor = await startKoor(t, {
    data_dir,
    program: PROGRAM,
    env: { KOOR_DATA_DIR: data_dir },
    args: ["--state-events", "--stale-after", "1ms"],
  });
  const { port } = koor;
  const statuses = new Map<string, number>();
  const ask = async (
    method: string,
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const answer = await send(port, method, path, { ...(body === undefined ? {} : { body }), headers });
    statuses.set(`${method} ${path} ${JSON.stringify(headers)}`, answer.status);
    t.ok(answer.status < 500, `${method} ${path}: ${answer.status} ${answer.status < 500 ? "" : answer.text}`);
  };
  await ask("POST", "/api/restore", makeSnapshot([]));
  await ask(
    "POST",
    "/api/restore",
    makeSnapshot([
      {
        kind: "audit",
        id: 7,
        timestamp: "2026-02-09T14:30:00.000Z",
        actor: "",
        action: "a",
        resource: "r",
        detail: "{}",
        outcome: "success",
      },
    ]),
  );
  await ask("POST", "/api/restore", "nothing");
  // Many enough that lists run in the pool, too.
  for (let at = 0; at < 120; at++) await sendJson(port, "PUT", `/api/state/many/${at}`, { at });
  const key = "/api/state/k%C3%A9y/%F0%9F%98%80";
  await ask("PUT", key, '{"a":1}');
  await ask("PUT", key, "x".repeat(20_000), { "Content-Type": "text/plain", "If-Match": "*" });
  await ask("PUT", key, '{"a":2}', { "If-Match": 'W/"x", "y"' });
  await ask("PUT", key, '{"a":2}', { "If-None-Match": '"x"' });
  await ask("PUT", `${key}?if_version=2`, '{"a":3}', { "If-Match": "*", "If-None-Match": '"x"' });
  await ask("PUT", `${key}?if_version=0`, '{"a":4}');
  await ask("PUT", key, "");
  await ask("POST", `${key}?rollback=1`);
  await ask("POST", `${key}?rollback=1&if_version=3`, undefined, { "If-None-Match": "*" });
  await ask("POST", `${key}?rollback=99`);
  await ask("DELETE", `${key}?if_version=1`);
  await ask("DELETE", "/api/state/none");
  for (const query of ["", "?version=1", "?history=1", "?history=1&limit=1000", "?diff=1,3", "?diff=1,99"])
    await ask("GET", `${key}${query}`);
  for (const query of ["", "?limit=1", "?limit=10000", "?prefix=many/&after=many/3", "?prefix=%F4%8F%BF%BF"])
    await ask("GET", `/api/state${query}`);
  await ask("DELETE", key);
  const spec = "/api/specs/a%2Fb/%F0%9F%98%80";
  await ask("PUT", spec, '{"a":1}');
  await ask("PUT", `${spec}?if_version=1`, '{"a":2}');
  await ask("POST", `${spec}?rollback=1`);
  await ask("DELETE", `${spec}?if_version=1`);
  for (const query of ["", "?version=1", "?history=1", "?diff=1,2"]) await ask("GET", `${spec}${query}`);
  for (const path of ["/api/specs", "/api/specs/a%2Fb", "/api/specs/none"]) await ask("GET", path);
  await ask("DELETE", spec);
  await ask("POST", "/api/events/publish", '{"topic":"a.b"}');
  await ask(
    "POST",
    "/api/events/publish",
    '[{"topic":"a.b","data":{"n":1e400},"source":"me"},{"topic":"a.c","data":null}]',
  );
  await ask("POST", "/api/events/publish", '{"topic":1}');
  for (const query of [
    "",
    "?last=10000",
    "?after=0&last=10000",
    "?topic=a.*&source=me",
    "?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00.123Z",
    "?after=0&wait=1",
    "?wait=0",
  ]) {
    await ask("GET", `/api/events/history${query}`);
  }
  for (const query of [
    "",
    "?limit=10000",
    "?actor=a&action=state.put",
    "?from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
  ])
    await ask("GET", `/api/audit${query}`);
  for (const query of ["", "?from=2026-01-01T00:00:00Z", "?to=2100-01-01T00:00:00Z"])
    await ask("GET", `/api/audit/summary${query}`);
  await ask("POST", "/api/webhooks", '{"id":"w","url":"http://127.0.0.1:1/","patterns":["nothing.*",""],"secret":"s"}');
  await ask("POST", "/api/webhooks", '{"id":"dead","url":"http://127.0.0.1:1/"}');
  await ask("POST", "/api/webhooks", '{"id":"w","url":"http://127.0.0.1:1/"}');
  await ask("POST", "/api/events/publish", '{"topic":"nothing.more"}');
  await ask("GET", "/api/webhooks");
  await ask("POST", "/api/webhooks/w/test");
  await ask("POST", "/api/webhooks/w/enable");
  await ask("DELETE", "/api/webhooks/w");
  // The first failure is told to the writer at the next tick.
  for (let told = false; !told; )
    told = (await send(port, "GET", "/api/webhooks"))
      .json<readonly { readonly fail_count: number }[]>()
      .some(({ fail_count }) => fail_count > 0);
  await ask("POST", "/api/llm/usage", '{"provider":"p","model":"m"}');
  await ask(
    "POST",
    "/api/llm/usage",
    '{"provider":"p","model":"m","instance_id":"i","project":"p","tokens_in":9007199254740991,"tokens_out":2,"cost_usd":0.1,"request_type":"chat","session_tag":"s"}',
  );
  await ask("POST", "/api/llm/usage", '{"provider":"p","model":"m","tokens_in":-1}');
  for (const query of [
    "",
    "?limit=10000",
    "?instance=i&project=p",
    "?project=p&from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
    "?session_tag=s&limit=1",
  ])
    await ask("GET", `/api/llm/usage${query}`);
  for (const query of [
    "",
    "?group_by=model",
    "?group_by=session_tag&from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
  ])
    await ask("GET", `/api/llm/usage/summary${query}`);
  await ask(
    "PUT",
    "/api/validate/a%2Fb/rules",
    '[{"rule_id":"\u00e9","pattern":"x"},{"rule_id":"m","pattern":"y","match_type":"missing","applies_to":["*.ts"]}]',
  );
  await ask(
    "PUT",
    "/api/validate/p/rules",
    JSON.stringify(Array.from({ length: 500 }, (_, at) => ({ rule_id: `r${at}`, pattern: "x".repeat(100) }))),
  );
  await ask("PUT", "/api/validate/p/rules", '[{"rule_id":"x","pattern":"("}]');
  for (const content of ["x", "x".repeat(20_000), "x\n".repeat(50_000)])
    await ask("POST", "/api/validate/a%2Fb", JSON.stringify({ content, filename: "a/b.ts", stack: "go" }));
  await ask("POST", "/api/validate/p", "{}");
  for (const rule_id of ["one", "one", "two"])
    await ask("POST", "/api/rules/propose", JSON.stringify({ project: "p", rule_id, pattern: "x" }));
  await ask("POST", "/api/rules/p/one/accept");
  await ask("POST", "/api/rules/p/two/reject");
  await ask("POST", "/api/rules/import", '[{"project":"q","rule_id":"r","pattern":"x","source":"local"}]');
  for (const path of [
    "/api/rules",
    "/api/rules?project=p&stack=go&source=local,learned&status=accepted",
    "/api/rules/export",
    "/api/rules/export?source=external",
    "/api/validate/p/rules",
    "/api/validate/a%2Fb/rules?stack=go",
  ])
    await ask("GET", path);
  await ask("DELETE", "/api/rules/q/r");
  await ask("DELETE", "/api/rules/q/r");
  const registered = await sendJson(port, "POST", "/api/instances/register", {
    name: "\u00e9",
    workspace: "w",
    intent: "a\nb",
    stack: "go",
    capabilities: ["x", "x"],
  });
  const instance = `/api/instances/${registered.json<{ readonly id: string }>().id}`;
  const actor = { "X-Koor-Instance": registered.json<{ readonly id: string }>().id };
  await ask("POST", `${instance}/activate`);
  await ask("POST", `${instance}/heartbeat`);
  await ask("POST", `${instance}/intent`, '{"intent":""}');
  await ask("POST", `${instance}/capabilities`, '{"capabilities":[]}');
  await ask("POST", "/api/events/publish", '{"topic":"a.b"}', actor);
  for (const query of ["", "?period=2026", "?instance_id=x"]) await ask("GET", `/api/metrics/agents${query}`);
  await ask("GET", "/api/metrics/agents/x?period=2");
  // With --stale-after 1ms it is silent in the next millisecond.
  while ((await send(port, "POST", "/api/liveness/check")).json<{ readonly count: number }>().count === 0);
  await ask("DELETE", instance);
  // What is seen of this one is stored at the end.
  const other = await sendJson(port, "POST", "/api/instances/register", { name: "other" });
  await ask("POST", `/api/instances/${other.json<{ readonly id: string }>().id}/heartbeat`);
  await ask(
    "PUT",
    "/api/specs/p/contract",
    '{"kind":"contract","endpoints":{"GET /health":{"response":{"schema":{"type":"object"}}},"POST /x":{"request":{"a":{"type":"string"}}}}}',
  );
  for (const payload of ['{"a":"x"}', '{"a":1}', JSON.stringify({ a: "x".repeat(100_000) })])
    await ask("POST", "/api/contracts/p/contract/validate", `{"endpoint":"POST /x","payload":${payload}}`);
  await ask("POST", "/api/contracts/p/none/validate", '{"endpoint":"POST /x"}');
  await ask("POST", "/api/contracts/p/contract/test", JSON.stringify({ endpoint: "GET /health", base_url: koor.url }));
  await ask("GET", "/api/backup");
  await ask("POST", "/api/restore", makeSnapshot([]));
  const bundle = { rules: [{ rule_id: "t", pattern: "x" }], contracts: { "a/b": { kind: "contract", endpoints: {} } } };
  for (const id of ["t/1", "t/1"])
    await ask("POST", "/api/templates", JSON.stringify({ id, name: "T", kind: "bundle", data: bundle, tags: ["a"] }));
  await ask(
    "POST",
    "/api/templates",
    JSON.stringify({
      id: "large",
      name: "L",
      data: Array.from({ length: 500 }, (_, at) => ({ rule_id: `r${at}`, pattern: "x".repeat(100) })),
    }),
  );
  for (const path of [
    "/api/templates",
    "/api/templates?kind=bundle&tag=a",
    "/api/templates/t%2F1",
    "/api/templates/none",
  ])
    await ask("GET", path);
  for (const id of ["t%2F1", "large", "none"]) await ask("POST", `/api/templates/${id}/apply`, '{"project":"p"}');
  await ask("DELETE", "/api/templates/t%2F1");
  const checked = (await sendJson(port, "POST", "/api/instances/register", { name: "checked", workspace: "p" })).json<{
    readonly id: string;
  }>().id;
  // Others may find it stale in between.
  for (let runs = 0; runs === 0; ) {
    await send(port, "POST", `/api/instances/${checked}/activate`);
    runs = (await send(port, "POST", "/api/compliance/run")).json<{ readonly count: number }>().count;
  }
  for (const query of ["", `?instance_id=${checked}&limit=1`, "?limit=10000"])
    await ask("GET", `/api/compliance/history${query}`);
  await ask("POST", "/api/metrics/reset");
  t.equal(await koor.stop(), 0);
  t.notMatch(koor.log(), /crashed|failed/);
  const called = new Set(readFileSync(join(data_dir, CALLED_FILE), "utf8").trim().split("\n"));
  t.same(
    [...called].toSorted(),
    METHOD_NAMES.filter((name) => !NOT_CALLED.has(name)).toSorted(),
    "every method was called",
  );
  t.ok(new Set(statuses.values()).size >= 4, "with successes and refusals");
});
