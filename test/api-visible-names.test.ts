/**
 * Tests that names have no invisible character: every call that creates something with one is refused, emoji and words
 * of all scripts are accepted, and names that an older version accepted are still there, and can be read and deleted.
 */
import t from "tap";
import { send, sendJson, type Refusal } from "./support/http-client.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { startKoor } from "./support/server-process.js";
import { makeSnapshot } from "./support/snapshot.js";

const koor = await startKoor(t);
const { port } = koor;

const HIDDEN = [
  "a\u200bb",
  "a\u00adb",
  "\ufeffa",
  "a\u2060",
  "a\u2028b",
  "a\u202eb",
  "a\u2066b\u2069",
  "a\u200e",
  "\u3164",
  "\u115f",
  "a\u180eb",
  "a\u{E0061}\u{E007F}",
  "a\u200db",
  "a\ufffe",
  "\u2800",
  "a\ufffcb",
  "a\u{1d159}",
];
const SEEN = [
  "\u{1F469}\u{1F3FD}\u200d\u{1F4BB}",
  "\u2764\ufe0f",
  "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
  "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
  "\u0915\u094d\u200d\u0937",
];

const registered = await sendJson(port, "POST", "/api/instances/register", { name: "maker" });
const { id } = registered.json<{ readonly id: string }>();

/** Every call that creates something by a name, with the other members that it needs. */
function calls(name: string): readonly (readonly [method: string, path: string, body: unknown])[] {
  const sent = encodeURIComponent(name);
  return [
    ["PUT", `/api/state/${sent}`, 1],
    ["PUT", `/api/specs/${sent}/n`, {}],
    ["PUT", `/api/specs/p/${sent}`, {}],
    ["POST", "/api/events/publish", { topic: name, data: 1 }],
    ["POST", "/api/events/publish", { topic: "t", data: 1, source: name }],
    ["POST", "/api/instances/register", { name }],
    ["POST", "/api/instances/register", { name: "a", workspace: name }],
    ["POST", "/api/instances/register", { name: "a", stack: name }],
    ["POST", "/api/instances/register", { name: "a", capabilities: [name] }],
    ["POST", "/api/tasks", { title: name }],
    ["POST", "/api/tasks", { title: "t", labels: [name] }],
    ["POST", "/api/tasks", { title: "t", resources: [`name:${name}`] }],
    ["POST", "/api/tasks", { title: "t", workspace: name }],
    ["POST", "/api/messages", { to: id, subject: name }],
    ["POST", "/api/messages", { to: id, subject: "s", thread: name }],
    ["POST", "/api/leases", { resources: [`name:${name}`] }],
    ["POST", "/api/leases", { resources: [`path:src/${name}.ts`] }],
    ["POST", "/api/leases", { resources: ["name:x"], workspace: name }],
    ["POST", "/api/rules/propose", { project: name, rule_id: "r", pattern: "x" }],
    ["POST", "/api/rules/propose", { project: "p", rule_id: name, pattern: "x" }],
    ["POST", "/api/rules/propose", { project: "p", rule_id: "q", pattern: "x", applies_to: [`${name}.ts`] }],
    ["POST", "/api/templates", { id: name, name: "t", kind: "rules", data: [] }],
    ["POST", "/api/templates", { id: "t1", name, kind: "rules", data: [] }],
    ["POST", "/api/templates", { id: "t2", name: "t", kind: "rules", tags: [name], data: [] }],
    ["POST", "/api/llm/usage", { provider: "p", model: name, input_tokens: 1 }],
    ["POST", "/api/webhooks", { id: name, url: "http://127.0.0.1:1/", patterns: ["never"] }],
    ["POST", "/api/webhooks", { id: "w", url: "http://127.0.0.1:1/", patterns: [name] }],
  ];
}

async function call(method: string, path: string, body: unknown) {
  const headers = { "Content-Type": "application/json", "X-Koor-Instance": id };
  return await send(port, method, path, { body: JSON.stringify(body), headers });
}

t.test("an invisible character is refused wherever it would be part of a name", async (t) => {
  for (const name of HIDDEN) {
    for (const [method, path, body] of calls(name)) {
      const answer = await call(method, path, body);
      const said = `${method} ${path} ${encodeURI(JSON.stringify(body))}`;
      t.equal(answer.status, 400, said);
      t.match(
        answer.json<Refusal>().error,
        /must not contain characters that cannot be seen \(U\+[0-9A-F]{4,5}\)/,
        said,
      );
    }
  }
});

t.test("a lone surrogate is refused", async (t) => {
  const body = '{"topic":"a\\ud83d","data":1}';
  const answer = await send(port, "POST", "/api/events/publish", { body });
  t.equal(answer.status, 400);
});

t.test("emoji and words that need joiners are accepted", async (t) => {
  for (const name of SEEN) {
    for (const [method, path, body] of calls(name)) {
      const answer = await call(method, path, body);
      const refusal = answer.status === 400 ? answer.json<Refusal>().error : "";
      t.notMatch(refusal, /seen|control/, `${method} ${path} ${encodeURI(JSON.stringify(body))}`);
    }
    t.equal((await call("GET", `/api/state/${encodeURIComponent(name)}`, undefined)).status, 200, name);
  }
});

t.test("names that an older version accepted are still there", { skip: RESTORE_REFUSED }, async (t) => {
  const old = await startKoor(t);
  const key = "plan\u200b";
  const at = "2026-02-09T14:30:00.000Z";
  const version = { version: 1, content_type: "application/json", updated_at: at, updated_by: "", value: "1" };
  const snapshot = makeSnapshot([
    { kind: "state", key, ...version },
    {
      kind: "rule",
      project: "p\u00ad",
      rule_id: "r\u200b",
      severity: "error",
      match_type: "regex",
      pattern: "x",
      message: "",
      stack: "\u2060",
      applies_to: ["a\u200b.ts"],
      source: "local",
      status: "accepted",
      proposed_by: "\u3164",
      context: "",
      created_at: at,
    },
    {
      kind: "template",
      id: "t\u200b",
      name: "T\u202e",
      description: "",
      template_kind: "bundle",
      tags: ["\ufeff"],
      version: 1,
      created_at: at,
      updated_at: at,
      data: { contracts: { "c\u200b": { kind: "contract", version: 1, endpoints: {} } } },
    },
    { kind: "spec", project: "p\u00ad", name: "n\u2060", ...version },
  ]);
  const restored = await send(old.port, "POST", "/api/restore", {
    body: snapshot,
    headers: { "Content-Type": "application/x-ndjson" },
  });
  t.equal(restored.status, 200, restored.text);
  const { rules } = (await send(old.port, "GET", "/api/rules?project=p%C2%AD")).json<{
    readonly rules: { rule_id: string }[];
  }>();
  t.match(rules, [{ rule_id: "r\u200b" }]);
  t.equal((await send(old.port, "GET", "/api/templates/t%E2%80%8B")).json<{ readonly name: string }>().name, "T\u202e");
  const path = `/api/state/${encodeURIComponent(key)}`;
  t.equal((await send(old.port, "GET", path)).text, "1");
  t.same((await send(old.port, "GET", `/api/state?prefix=${encodeURIComponent(key)}`)).json<unknown[]>().length, 1);
  t.same((await send(old.port, "GET", `/api/state?after=${encodeURIComponent(key)}`)).json(), []);
  t.equal((await send(old.port, "GET", "/api/specs/p%C2%AD/n%E2%81%A0")).text, "1");
  t.equal((await sendJson(old.port, "PUT", path, 2)).status, 400, "it is not written again");
  t.same((await send(old.port, "DELETE", path)).json(), { deleted: key });
  t.equal((await send(old.port, "DELETE", "/api/specs/p%C2%AD/n%E2%81%A0")).status, 200);
});
