/**
 * Tests `/api/metrics/agents` against a real server: which calls are counted for their actor by the hour, which are
 * not, how counts are read, and which of them outlive the server.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { send, sendJson } from "./support/http-client.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";

interface Total {
  readonly instance_id: string;
  readonly metrics: Readonly<Record<string, number>>;
}
interface Counter {
  readonly instance_id: string;
  readonly metric_name: string;
  readonly metric_value: number;
  readonly period: string;
}

const as = (id: string): OutgoingHttpHeaders => ({ "X-Koor-Instance": id });

async function register(koor: Koor): Promise<{ readonly id: string; readonly token: string }> {
  return (await sendJson(koor.port, "POST", "/api/instances/register", { name: "agent" })).json();
}

async function totals(koor: Koor, query = ""): Promise<Record<string, Readonly<Record<string, number>>>> {
  const answer = (await send(koor.port, "GET", `/api/metrics/agents${query}`)).json<Total[]>();
  return Object.fromEntries(answer.map(({ instance_id, metrics }) => [instance_id, metrics]));
}

t.test("calls are counted for the instance that makes them", async (t) => {
  const koor = await startKoor(t, { args: ["--dashboard-bind", "127.0.0.1:0"], ownReadsOnly: true });
  const { port } = koor;
  t.same((await send(port, "GET", "/api/metrics/agents")).json(), []);
  const { id, token } = await register(koor);
  const other = await register(koor);
  const expected: Record<string, number> = {};
  const steps: readonly (readonly [
    what: string,
    ask: () => Promise<{ readonly status: number }>,
    status: number,
    counts: Readonly<Record<string, number>>,
  ])[] = [
    ["a read", () => send(port, "GET", "/api/state", { headers: as(id) }), 200, { rest_calls: 1 }],
    [
      "a read by its token",
      () => send(port, "GET", "/api/state", { headers: { Authorization: `Bearer ${token}` } }),
      200,
      { rest_calls: 1 },
    ],
    ["a HEAD", () => send(port, "HEAD", "/api/state", { headers: as(id) }), 200, { rest_calls: 1 }],
    ["a call without a name", () => send(port, "GET", "/api/state"), 200, {}],
    ["a heartbeat without an instance", () => send(port, "POST", `/api/instances/${id}/heartbeat`), 200, {}],
    [
      "its own heartbeat",
      () => send(port, "POST", `/api/instances/${id}/heartbeat`, { headers: as(id) }),
      200,
      { rest_calls: 1 },
    ],
    ["writes", () => send(port, "PUT", "/api/state/k", { body: "1", headers: as(id) }), 200, { rest_calls: 1 }],
    [
      "a write of a spec",
      () => send(port, "PUT", "/api/specs/p/s", { body: "1", headers: as(id) }),
      200,
      { rest_calls: 1 },
    ],
    [
      "a rollback",
      () => send(port, "POST", "/api/state/k?rollback=1", { headers: as(id) }),
      200,
      { rest_calls: 1, rollbacks: 1 },
    ],
    [
      "a rollback of a spec",
      () => send(port, "POST", "/api/specs/p/s?rollback=1", { headers: as(id) }),
      200,
      { rest_calls: 1, rollbacks: 1 },
    ],
    [
      "a rollback that is refused",
      () => send(port, "POST", "/api/state/k?rollback=9", { headers: as(id) }),
      404,
      { rest_calls: 1, errors: 1 },
    ],
    [
      "an event",
      () => sendJson(port, "POST", "/api/events/publish", { topic: "t", source: "else" }, as(id)),
      200,
      { rest_calls: 1, events_published: 1 },
    ],
    [
      "an array of events",
      () => sendJson(port, "POST", "/api/events/publish", [{ topic: "t" }, { topic: "t" }, { topic: "t" }], as(id)),
      200,
      { rest_calls: 1, events_published: 3 },
    ],
    [
      "an event that is refused",
      () => sendJson(port, "POST", "/api/events/publish", [{ topic: "t" }, {}], as(id)),
      400,
      { rest_calls: 1, errors: 1 },
    ],
    [
      "a query that is refused",
      () => send(port, "GET", "/api/state?limit=0", { headers: as(id) }),
      400,
      { rest_calls: 1, errors: 1 },
    ],
    [
      "a refusal of the writer",
      () => send(port, "PUT", "/api/state/k?if_version=99", { body: "1", headers: as(id) }),
      412,
      { rest_calls: 1, errors: 1 },
    ],
    [
      "something unchanged",
      () => send(port, "GET", "/api/state/k", { headers: { ...as(id), "If-None-Match": "*" } }),
      304,
      { rest_calls: 1 },
    ],
    ["health", () => send(port, "GET", "/health", { headers: as(id) }), 200, {}],
    ["the metrics", () => send(port, "GET", "/api/metrics", { headers: as(id) }), 200, {}],
    ["these metrics", () => send(port, "GET", "/api/metrics/agents", { headers: as(id) }), 200, {}],
    ["these metrics, refused", () => send(port, "GET", "/api/metrics/agents?period=%zz", { headers: as(id) }), 400, {}],
    ["Prometheus", () => send(port, "GET", "/metrics", { headers: as(id) }), 200, {}],
    ["no route", () => send(port, "GET", "/nothing", { headers: as(id) }), 404, {}],
    ["another method", () => send(port, "PATCH", "/api/state/k", { headers: as(id) }), 405, {}],
    ["the dashboard's calls", () => send(koor.dashboardPort, "GET", "/api/state", { headers: as(id) }), 200, {}],
    ["a subscription that is none", () => send(port, "GET", "/api/events/subscribe", { headers: as(id) }), 426, {}],
  ];
  for (const [what, ask, status, counts] of steps) {
    t.equal((await ask()).status, status, what);
    for (const [name, count] of Object.entries(counts)) expected[name] = (expected[name] ?? 0) + count;
    t.same((await totals(koor))[id], expected, what);
  }
  await send(port, "GET", "/api/state", { headers: as(other.id) });
  const both = (await send(port, "GET", "/api/metrics/agents")).json<Total[]>();
  t.same(
    both.map(({ instance_id }) => instance_id),
    [id, other.id].toSorted(),
  );
  t.same(both.find(({ instance_id }) => instance_id === other.id)?.metrics, { rest_calls: 1 });
  await send(port, "DELETE", `/api/instances/${other.id}`, { headers: as(other.id) });
  t.same((await totals(koor))[other.id], { rest_calls: 2 }, "counts are kept when the instance is gone");
});

t.test("hours can be selected by prefix and by instance, in both ways to ask", async (t) => {
  const koor = await startKoor(t, { ownReadsOnly: true });
  const { port } = koor;
  const { id } = await register(koor);
  const hourBefore = new Date().toISOString().slice(0, 13);
  await sendJson(port, "POST", "/api/events/publish", [{ topic: "t" }, { topic: "t" }], as(id));
  await send(port, "GET", "/api/state/none", { headers: as(id) });
  const path = await send(port, "GET", `/api/metrics/agents/${id}`);
  t.equal(path.headers["content-type"], "application/json");
  const counters = path.json<Counter[]>();
  const hour = counters[0]?.period ?? "";
  t.ok(hour >= hourBefore && hour <= new Date().toISOString().slice(0, 13), `${hour} is the hour`);
  t.same(counters, [
    { instance_id: id, metric_name: "errors", metric_value: 1, period: hour },
    { instance_id: id, metric_name: "events_published", metric_value: 2, period: hour },
    { instance_id: id, metric_name: "rest_calls", metric_value: 2, period: hour },
  ]);
  t.same((await send(port, "GET", `/api/metrics/agents?instance_id=${id}`)).json(), counters);
  for (const period of [hour, hour.slice(0, 10), hour.slice(0, 7), hour.slice(0, 4), hour.slice(0, 12), "2", ""]) {
    t.same(
      (await send(port, "GET", `/api/metrics/agents/${id}?period=${period}`)).json(),
      counters,
      `period ${period}`,
    );
    t.same((await send(port, "GET", `/api/metrics/agents?instance_id=${id}&period=${period}`)).json(), counters);
    t.same(Object.keys(await totals(koor, `?period=${period}`)), [id]);
  }
  for (const period of ["1999", `${hour}:00`, "x", hour.slice(1), "2026-13", "%25"]) {
    t.same((await send(port, "GET", `/api/metrics/agents/${id}?period=${period}`)).json(), [], `period ${period}`);
    t.same((await send(port, "GET", `/api/metrics/agents?period=${period}`)).json(), []);
  }
  t.same((await send(port, "GET", "/api/metrics/agents/nobody")).json(), []);
  t.same((await send(port, "GET", "/api/metrics/agents?instance_id=")).json(), []);
});

t.test("a shutdown stores all counts, a kill keeps the flushed ones, and a reset changes none", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir, ownReadsOnly: true });
  const { id } = await register(koor);
  const call = async (server: Koor, times: number): Promise<void> => {
    for (let at = 0; at < times; at++) await send(server.port, "GET", "/api/state", { headers: as(id) });
  };
  await call(koor, 3);
  t.equal(await koor.stop(), 0);
  const second = await startKoor(t, { data_dir: dataDir, ownReadsOnly: true });
  await call(second, 4);
  t.same(await totals(second), { [id]: { rest_calls: 7 } }, "they are added to earlier counts");
  await call(second, 5);
  await second.stop("SIGKILL");
  const third = await startKoor(t, { data_dir: dataDir, ownReadsOnly: true });
  const kept = (await totals(third))[id]?.["rest_calls"] ?? 0;
  t.ok(kept >= 7 && kept <= 12, `${kept} of 12 were stored, at least the 7 that were read`);
  await send(third.port, "POST", "/api/metrics/reset");
  t.equal((await totals(third))[id]?.["rest_calls"], kept);
});
