/**
 * Tests what ends with the token of an instance: every WebSocket, stream and long poll that was opened with it, on both
 * ports, by bearer and by session, and requests that were still being sent; and what does not end.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { dial, hasWholeAnswer, send, sendJson, type Answer } from "./support/http-client.js";
import { callTool, resultOf } from "./support/mcp-messages.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { openChanges, openSocket, openStream } from "./support/subscriber.js";
import { countInFlight } from "./support/metrics.js";
import { betweenLooks } from "./support/between-looks.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
/** The promised bound is a second. Tests wait at most this long for it. */
const WITHIN_MS = 1_000;
const UNAUTHENTICATED = { error: "invalid or missing bearer token", code: 401 };

interface Registered {
  readonly id: string;
  readonly token: string;
}

const koor = await startKoor(t, { args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"] });
const { port, dashboardPort } = koor;

async function register(headers: OutgoingHttpHeaders = RIGHT, at: Koor = koor): Promise<Registered> {
  const { id, token } = (
    await sendJson(at.port, "POST", "/api/instances/register", { name: "x", workspace: "w" }, headers)
  ).json<Registered>();
  await send(at.port, "POST", `/api/instances/${id}/activate`, { headers });
  return { id, token };
}

const bearer = (token: string): OutgoingHttpHeaders => ({ Authorization: `Bearer ${token}` });
const remove = (id: string, at: Koor = koor): Promise<Answer> =>
  send(at.port, "DELETE", `/api/instances/${id}`, { headers: RIGHT });

/** Logs in. @returns the headers that the dashboard's page sends from then on */
async function logIn(token: string): Promise<OutgoingHttpHeaders> {
  const Origin = `http://127.0.0.1:${dashboardPort}`;
  const { headers } = await sendJson(dashboardPort, "POST", "/session", { token }, { Origin });
  return { Origin, Cookie: (headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "" };
}

/** Resolves when this number of requests is in flight: streams, and calls that wait. */
async function untilInFlight(count: number): Promise<void> {
  while ((await countInFlight(port, RIGHT)) !== count) await betweenLooks();
}

/** Resolves to the result in time, or to "still open". */
function inTime<Found>(found: Promise<Found>): Promise<Found | "still open"> {
  let timer: NodeJS.Timeout;
  const late = new Promise<"still open">((resolve) => {
    timer = setTimeout(() => resolve("still open"), WITHIN_MS);
  });
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}

/** Long polls of every kind, as requests without an immediate answer. */
const POLLS: Readonly<Record<string, readonly [method: string, path: string, body?: object]>> = {
  "events from a cursor": ["GET", "/api/events/history?after=0&topic=never&wait=60"],
  "the next event": ["GET", "/api/events/history?topic=never&wait=60"],
  messages: ["GET", "/api/messages?wait=60"],
  "any of several things": ["GET", "/api/wait?event=never&message=1&state=never&wait=60"],
  "a free resource": ["GET", "/api/wait?free=deploy&wait=60"],
  "a lease, in line": ["POST", "/api/leases", { resources: ["deploy"], queue: true, wait_s: 60 }],
  "a lease, inside the call": ["POST", "/api/leases", { resources: ["deploy"], wait_s: 60 }],
  "a task": ["POST", "/api/tasks/claim", { labels: ["never"], wait_s: 60 }],
};

const sendPoll = (at: number, [method, path, body]: (typeof POLLS)[string], headers: OutgoingHttpHeaders) =>
  body === undefined ? send(at, method, path, { headers }) : sendJson(at, method, path, body, headers);

/** An instance that holds what the polls wait for. */
const holder = await register();
await sendJson(port, "POST", "/api/leases", { resources: ["deploy"] }, bearer(holder.token));

t.test("sockets, streams and long polls end with the token, on both ports and in a session", async (t) => {
  const [gone, other] = [await register(), await register()];
  const ways = [
    ["the API's port", port, bearer(gone.token)],
    ["the dashboard's port", dashboardPort, bearer(gone.token)],
    ["a session", dashboardPort, await logIn(gone.token)],
  ] as const;
  const sockets = await Promise.all(
    ways.flatMap(([name, at, headers]) =>
      ["", "since=0"].map(async (query) => [`${name} ${query}`, await openSocket(t, at, query, headers)] as const),
    ),
  );
  const streams = await Promise.all(
    ways.flatMap(([name, at, headers]) => [
      openStream(t, at, "pattern=never", headers).then((stream) => [`events, ${name}`, stream.untilCount(1)] as const),
      openChanges(t, at, "", headers).then(
        (stream) => [`changes, ${name}`, stream.until(({ kind }) => kind === "spec")] as const,
      ),
    ]),
  );
  const ended = streams.map(
    async ([name, item]) =>
      [
        name,
        await item.then(
          () => "did not end",
          () => "ended",
        ),
      ] as const,
  );
  const stays = {
    socket: await openSocket(t, port, "", bearer(other.token)),
    server: await openSocket(t, port, "", { ...RIGHT, "X-Koor-Instance": gone.id }),
    stream: await openStream(t, port, "", RIGHT),
  };
  const polls = ways.flatMap(([name, at, headers]) =>
    Object.entries(POLLS).map(async ([what, poll]) => [`${what}, ${name}`, await sendPoll(at, poll, headers)] as const),
  );
  const waiting = sendPoll(port, ["GET", "/api/events/history?topic=later&wait=60"], bearer(other.token));
  await untilInFlight(polls.length + 1 + ended.length + 1);

  t.equal((await remove(gone.id)).status, 200);
  for (const [name, socket] of sockets) t.equal(await inTime(socket.closed), 4401, name);
  for (const end of ended) t.match(await inTime(end), [String, "ended"]);
  for (const poll of polls) {
    const answered = await inTime(poll);
    if (answered === "still open") t.fail("a poll did not end");
    else {
      const [name, answer] = answered;
      t.equal(answer.status, 401, name);
      t.match(answer.json(), UNAUTHENTICATED, name);
      t.equal(answer.headers["www-authenticate"], "Bearer", name);
    }
  }
  await sendJson(port, "POST", "/api/events/publish", { topic: "later" }, RIGHT);
  for (const reader of Object.values(stays))
    t.match((await reader.untilCount(1)).at(-1), { topic: String }, "other clients' streams stay open");
  t.match((await waiting).json(), [{ topic: "later" }], "and so do their waits");
  await untilInFlight(1);
  const { leases } = (
    await send(port, "GET", `/api/leases?state=all&holder=${gone.id}&resource=deploy`, { headers: RIGHT })
  ).json<{ readonly leases: readonly { readonly state: string }[] }>();
  t.same(
    leases.filter(({ state }) => ["held", "waiting"].includes(state)),
    [],
    "no request is left in the queue",
  );
});

t.test("an instance that deletes itself gets its answer, and its connections end", async (t) => {
  const { id, token } = await register();
  const socket = await openSocket(t, port, "", bearer(token));
  const answer = await send(port, "DELETE", `/api/instances/${id}`, { headers: bearer(token) });
  t.same([answer.status, answer.json()], [200, { deleted: id }]);
  t.equal(await inTime(socket.closed), 4401);
});

t.test("the instances that an instance has registered are revoked with it, through any number of levels", async (t) => {
  const root = await register();
  const child = await register(bearer(root.token));
  const byPage = await sendJson(
    dashboardPort,
    "POST",
    "/api/instances/register",
    { name: "of a session" },
    await logIn(child.token),
  );
  const byMcp = resultOf<{ readonly instance_id: string; readonly token: string }>(
    await callTool(port, "register_instance", { name: "of a tool" }, "2025-11-25", bearer(child.token)),
  );
  const grandchildren: readonly Registered[] = [
    byPage.json<Registered>(),
    { id: byMcp.instance_id, token: byMcp.token },
  ];
  const other = await register();
  const read = async (id: string): Promise<object> =>
    (await send(port, "GET", `/api/instances/${id}`, { headers: RIGHT })).json();
  t.notOk("registered_by" in (await read(root.id)), "the server's token is no instance");
  t.match(await read(child.id), { registered_by: root.id });
  for (const { id } of grandchildren) t.match(await read(id), { registered_by: child.id });

  const fallen = [child, ...grandchildren];
  const sockets = await Promise.all(fallen.map(({ token }) => openSocket(t, port, "", bearer(token))));
  const { id: lease } = (
    await sendJson(port, "POST", "/api/leases", { resources: ["of the child"] }, bearer(child.token))
  ).json<{ readonly id: string }>();
  t.equal((await remove(root.id)).status, 200);
  for (const socket of sockets) t.equal(await inTime(socket.closed), 4401);
  for (const { id, token } of fallen) {
    t.equal((await send(port, "GET", "/api/state", { headers: bearer(token) })).status, 401);
    t.equal((await send(port, "GET", `/api/instances/${id}`, { headers: RIGHT })).status, 404);
  }
  t.match((await send(port, "GET", `/api/leases/${lease}`, { headers: RIGHT })).json(), {
    state: "lost",
    reason: "holder deleted",
  });
  t.equal((await send(port, "GET", "/api/state", { headers: bearer(other.token) })).status, 200);
  const audited = (await send(port, "GET", "/api/audit?action=instance.deregister&limit=4", { headers: RIGHT })).json<
    readonly { readonly resource: string; readonly detail: string }[]
  >();
  t.same(
    new Map(audited.map(({ resource, detail }) => [resource, detail])),
    new Map([
      [root.id, "{}"],
      [child.id, JSON.stringify({ registered_by: root.id })],
      ...grandchildren.map(({ id }) => [id, JSON.stringify({ registered_by: child.id })] as const),
    ]),
  );
});

t.test("the registering instance is known after a restart, too", async (t) => {
  const dataDir = makeDirectory(t);
  const args = ["--auth-token", TOKEN];
  const first = await startKoor(t, { args, data_dir: dataDir });
  const root = await register(RIGHT, first);
  const child = await register(bearer(root.token), first);
  await first.stop();
  const second = await startKoor(t, { args, data_dir: dataDir });
  t.equal((await send(second.port, "GET", "/api/state", { headers: bearer(child.token) })).status, 200);
  await send(second.port, "DELETE", `/api/instances/${root.id}`, { headers: bearer(root.token) });
  t.equal((await send(second.port, "GET", "/api/state", { headers: bearer(child.token) })).status, 401);
});

t.test("a session's waits end at its log-out", async (t) => {
  const session = await logIn(TOKEN);
  const poll = sendPoll(dashboardPort, ["GET", "/api/events/history?topic=never&wait=60"], session);
  await untilInFlight(1);
  await send(dashboardPort, "DELETE", "/session", { headers: session });
  const answer = await inTime(poll);
  t.match(answer, { status: 401 });
});

t.test("a request whose body is still coming when the token ends does not run", async (t) => {
  const { id, token } = await register();
  const socket = await dial(t, port);
  let text = "";
  const answered = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (hasWholeAnswer(text)) resolve(text);
    });
  });
  socket.write(
    `PUT /api/state/late HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n1`,
  );
  await untilInFlight(1);
  await remove(id);
  socket.write("2");
  t.match(await answered, /^HTTP\/1\.1 401 /);
  t.equal((await send(port, "GET", "/api/state/late", { headers: RIGHT })).status, 404);
});

t.test("without authentication a token opens nothing, and its end closes nothing", async (t) => {
  const open = await startKoor(t);
  const { id, token } = await register({}, open);
  const socket = await openSocket(t, open.port, "", bearer(token));
  await send(open.port, "DELETE", `/api/instances/${id}`);
  await sendJson(open.port, "POST", "/api/events/publish", { topic: "later" });
  t.match(await socket.untilCount(1), [{ topic: "later" }]);
  const [one, two] = [await register({}, open), await register({}, open)];
  const three = await register(bearer(one.token), open);
  const four = await register({ "X-Koor-Instance": one.id }, open);
  await send(open.port, "DELETE", `/api/instances/${one.id}`);
  for (const { id: stays } of [two, three, four])
    t.equal((await send(open.port, "GET", `/api/instances/${stays}`)).status, 200);
});
