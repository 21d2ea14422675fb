/**
 * Tests the actor where a body may name it: with an instance's token it is that instance, over every entry point, and
 * the server's own topics and sources are reserved. With the server's token the body decides.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { SERVER_SOURCES, SERVER_TOPICS } from "../schemas/events.js";
import { send, sendJson } from "./support/http-client.js";
import { callTool, resultOf } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";
import type { ReceivedEvent } from "./support/subscriber.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };

interface Registered {
  readonly id: string;
  readonly token: string;
}

const { port, dashboardPort } = await startKoor(t, {
  args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"],
});

async function register(name: string): Promise<Registered & { readonly headers: OutgoingHttpHeaders }> {
  const answer = await sendJson(port, "POST", "/api/instances/register", { name, workspace: "w" }, RIGHT);
  const { id, token } = answer.json<Registered>();
  const headers = { Authorization: `Bearer ${token}` };
  await send(port, "POST", `/api/instances/${id}/activate`, { headers });
  return { id, token, headers };
}

const [ana, ben] = [await register("ana"), await register("ben")];
const Origin = `http://127.0.0.1:${dashboardPort}`;
const entered = await sendJson(dashboardPort, "POST", "/session", { token: ana.token }, { Origin });
const session = { Origin, Cookie: (entered.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "" };
/** Ana's calls, over each entry point. */
const WAYS = [
  ["bearer", port, ana.headers],
  ["bearer, and another's id", port, { ...ana.headers, "X-Koor-Instance": ben.id }],
  ["bearer at the dashboard's port", dashboardPort, ana.headers],
  ["session", dashboardPort, session],
] as const;
/** The names that she tries to use. */
const CLAIMS = [ben.id, "ben", "", "dashboard", ana.id];

t.test("an event has the instance as its source", async (t) => {
  for (const [name, at, headers] of WAYS) {
    for (const source of CLAIMS) {
      const one = await sendJson(at, "POST", "/api/events/publish", { topic: "a", source }, headers);
      t.match(one.json(), { source: ana.id }, `${name}, as ${source}`);
    }
    const many = CLAIMS.map((source) => ({ topic: "a", source }));
    const answer = await sendJson(at, "POST", "/api/events/publish", many, headers);
    t.same(
      answer.json<readonly ReceivedEvent[]>().map(({ source }) => source),
      CLAIMS.map(() => ana.id),
      name,
    );
  }
  const stored = await send(port, "GET", "/api/events/history?topic=a&last=1000", { headers: RIGHT });
  t.same([...new Set(stored.json<readonly ReceivedEvent[]>().map(({ source }) => source))], [ana.id]);
  for (const source of CLAIMS) {
    const answer = await sendJson(port, "POST", "/api/events/publish", { topic: "b", source }, RIGHT);
    t.match(answer.json(), { source }, "with the server's token the publisher names it");
  }
});

t.test("usage is recorded for the calling instance", async (t) => {
  const report = { provider: "acme", model: "large", tokens_in: 1 };
  const newest = async (): Promise<unknown> => {
    const answer = await send(port, "GET", "/api/llm/usage?limit=1", { headers: RIGHT });
    return answer.json<readonly { readonly instance_id: string }[]>()[0]?.instance_id;
  };
  for (const [name, at, headers] of WAYS)
    for (const instanceId of CLAIMS) {
      t.equal(
        (await sendJson(at, "POST", "/api/llm/usage", { ...report, instance_id: instanceId }, headers)).status,
        200,
      );
      t.equal(await newest(), ana.id, `${name}, as ${instanceId}`);
    }
  const [event] = (
    await send(port, "GET", "/api/events/history?topic=llm.usage.recorded&last=1", { headers: RIGHT })
  ).json<readonly ReceivedEvent[]>();
  t.match(event, { source: ana.id, data: { instance_id: ana.id } });
  await sendJson(port, "POST", "/api/llm/usage", { ...report, instance_id: ben.id }, RIGHT);
  t.equal(await newest(), ben.id, "with the server's token the report names it");
});

t.test("a rule is proposed by the calling instance, over REST and as a tool", async (t) => {
  let made = 0;
  const proposerOf = async (ruleId: string): Promise<unknown> => {
    const { rules } = (await send(port, "GET", "/api/rules?project=p", { headers: RIGHT })).json<{
      readonly rules: readonly { readonly rule_id: string; readonly proposed_by: string }[];
    }>();
    return rules.find((rule) => rule.rule_id === ruleId)?.proposed_by;
  };
  const ruleBy = (proposedBy: string) => ({
    project: "p",
    rule_id: `r${++made}`,
    pattern: "x",
    message: "m",
    proposed_by: proposedBy,
  });
  for (const [name, at, headers] of WAYS)
    for (const claim of CLAIMS) {
      const rule = ruleBy(claim);
      t.equal((await sendJson(at, "POST", "/api/rules/propose", rule, headers)).status, 200);
      t.equal(await proposerOf(rule.rule_id), ana.id, `${name}, as ${claim}`);
    }
  const byTool = ruleBy(ben.id);
  resultOf(await callTool(port, "propose_rule", byTool, "2025-11-25", ana.headers));
  t.equal(await proposerOf(byTool.rule_id), ana.id, "as a tool");
  const byServer = ruleBy("ben");
  await sendJson(port, "POST", "/api/rules/propose", byServer, RIGHT);
  t.equal(await proposerOf(byServer.rule_id), "ben", "with the server's token the rule names it");
});

t.test("calls that take their author from the token ignore the body", async (t) => {
  const asBen = {
    from: ben.id,
    created_by: ben.id,
    holder: ben.id,
    actor: ben.id,
    updated_by: ben.id,
    source: ben.id,
  };
  const task = await sendJson(port, "POST", "/api/tasks", { title: "t", ...asBen }, ana.headers);
  t.match(task.json(), { created_by: ana.id });
  const lease = await sendJson(port, "POST", "/api/leases", { resources: ["r"], ...asBen }, ana.headers);
  t.match(lease.json(), { holder: { id: ana.id } });
  await sendJson(port, "POST", "/api/messages", { to: ben.id, subject: "s", ...asBen }, ana.headers);
  const { messages } = (await send(port, "GET", "/api/messages", { headers: ben.headers })).json<{
    readonly messages: readonly object[];
  }>();
  t.match(messages, [{ from: { id: ana.id } }]);
  await sendJson(port, "PUT", "/api/specs/p/s", asBen, ana.headers);
  const { versions } = (await send(port, "GET", "/api/specs/p/s?history=1", { headers: RIGHT })).json<{
    readonly versions: readonly object[];
  }>();
  t.match(versions, [{ updated_by: ana.id }]);
  const audit = (await send(port, "GET", `/api/audit?actor=${ben.id}`, { headers: RIGHT })).json<
    readonly { readonly action: string }[]
  >();
  t.same(
    audit.map(({ action }) => action),
    ["instance.activate"],
    "ben has made no other call",
  );
});

t.test("the server's own topics and sources are reserved", async (t) => {
  const topics = [
    ...SERVER_TOPICS,
    "instance.gone",
    "cluster.leader",
    "radar.overlap",
    "Lease.Lost",
    "agent.\u200bstale",
  ];
  for (const [name, at, headers] of [...WAYS, ["the server's token", port, RIGHT]] as const) {
    for (const topic of topics)
      for (const body of [{ topic }, [{ topic: "a" }, { topic }]]) {
        const answer = await sendJson(at, "POST", "/api/events/publish", body, headers);
        t.equal(answer.status, 403, `${name}: ${topic}`);
      }
    for (const source of SERVER_SOURCES)
      t.equal((await sendJson(at, "POST", "/api/events/publish", { topic: "a", source }, headers)).status, 403, source);
  }
});
