/**
 * Tests what instances cannot read although they read nearly everything: the addresses of webhooks, wherever they are
 * quoted, and the subjects of others' messages. The holder of the server's token reads them, and so does every client
 * where no token is required.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { WEBHOOK_HOPS_MAX } from "../schemas/limits/webhooks.js";
import { send, sendJson } from "./support/http-client.js";
import { startReceiver } from "./support/receiver.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { openStream, type ReceivedEvent } from "./support/subscriber.js";
import { betweenLooks } from "./support/between-looks.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };
/** In a path, a query and a redirect, as in addresses of receivers. */
const SECRET = "T0P53CR37";
const PATH = `/services/${SECRET}?key=${SECRET}`;
const SUBJECT = "the merger of acme";

interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly last_error?: string;
}

const guarded = await startKoor(t, {
  args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0", "--log-level", "debug"],
});
const open = await startKoor(t);

async function register(name: string, headers: OutgoingHttpHeaders, at: Koor): Promise<{ id: string; token: string }> {
  const answer = await sendJson(at.port, "POST", "/api/instances/register", { name }, headers);
  const { id, token } = answer.json<{ readonly id: string; readonly token: string }>();
  await send(at.port, "POST", `/api/instances/${id}/activate`, { headers });
  return { id, token };
}

const ana = await register("ana", RIGHT, guarded);
const bearer = { Authorization: `Bearer ${ana.token}` };
const Origin = `http://127.0.0.1:${guarded.dashboardPort}`;
const entered = await sendJson(guarded.dashboardPort, "POST", "/session", { token: ana.token }, { Origin });
const session = { Origin, Cookie: (entered.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "" };

/** Returns the list of webhooks as soon as it has the expected content. */
async function listWhen(
  holds: (webhooks: readonly Webhook[]) => boolean,
  at: Koor,
  headers: OutgoingHttpHeaders,
): Promise<readonly Webhook[]> {
  for (;;) {
    const webhooks = (await send(at.port, "GET", "/api/webhooks", { headers })).json<readonly Webhook[]>();
    if (holds(webhooks)) return webhooks;
    await betweenLooks();
  }
}

t.test("an instance reads only the host of a webhook's address", async (t) => {
  const receiver = await startReceiver(t, (_request, response) => {
    response.setHeader("Location", `https://127.0.0.1:${receiver.port}${PATH}`);
    return 301;
  });
  const url = receiver.url + PATH;
  const host = `127.0.0.1:${receiver.port}`;
  const create = { id: "w", url, patterns: ["due"], secret: SECRET };
  const made = await sendJson(guarded.port, "POST", "/api/webhooks", create, RIGHT);
  t.match(made.json(), { url });
  await sendJson(guarded.port, "POST", "/api/events/publish", { topic: "due" }, RIGHT);
  const [whole] = await listWhen(([webhook]) => webhook?.last_error !== undefined, guarded, RIGHT);
  t.match(whole, { url });
  t.match(whole?.last_error, SECRET, "the receiver has returned it");
  for (const [port, headers] of [
    [guarded.port, bearer],
    [guarded.dashboardPort, bearer],
    [guarded.dashboardPort, session],
  ] as const) {
    const { text } = await send(port, "GET", "/api/webhooks", { headers });
    t.notMatch(text, SECRET);
    t.match(JSON.parse(text), [
      { id: "w", url: host, last_error: `${host} answered 301 with a Location, which is not followed` },
    ]);
    for (const path of ["/api/webhooks/w/deliveries", "/api/webhooks/w/dead-letters"])
      t.equal((await send(port, "GET", path, { headers })).status, 403);
  }
});

t.test("the event of a webhook that was turned off has the host only", async (t) => {
  const receiver = await startReceiver(t);
  const url = receiver.url + PATH;
  for (const [at, headers, received] of [
    [guarded, RIGHT, `127.0.0.1:${receiver.port}`],
    [open, {}, url],
  ] as const) {
    await sendJson(at.port, "POST", "/api/webhooks", { id: "chained", url, patterns: ["loop"] }, headers);
    const hops = { "X-Koor-Hops": String(WEBHOOK_HOPS_MAX) };
    await sendJson(at.port, "POST", "/api/events/publish", { topic: "loop" }, { ...headers, ...hops });
    const answer = await send(at.port, "GET", "/api/events/history?topic=webhook.disabled", { headers });
    t.match(answer.json(), [{ topic: "webhook.disabled", data: { id: "chained", url: received } }]);
  }
});

t.test("the subject of a message is in its event only where no token is required", async (t) => {
  const receiver = await startReceiver(t);
  for (const [at, headers, contains] of [
    [guarded, RIGHT, false],
    [open, {}, true],
  ] as const) {
    const [from, to] = [await register("from", headers, at), await register("to", headers, at)];
    const hook = { id: "sent", url: receiver.url, patterns: ["message.sent"] };
    await sendJson(at.port, "POST", "/api/webhooks", hook, headers);
    const stream = await openStream(t, at.port, "pattern=message.sent", headers);
    const sender = { Authorization: `Bearer ${from.token}` };
    await sendJson(at.port, "POST", "/api/messages", { to: to.id, subject: SUBJECT, body: SUBJECT }, sender);
    const [event] = await stream.untilCount(1);
    const data = { from: from.id, to: [to.id], intent: "inform", importance: "normal" };
    t.match(event, { topic: "message.sent", source: "koor", data });
    t.equal("subject" in ((event as ReceivedEvent).data as object), contains);
    await receiver.until(() => receiver.requests.length > 0);
    const [delivered] = receiver.requests.splice(0);
    t.equal(delivered?.body.includes(SUBJECT), contains);
    const history = await send(at.port, "GET", "/api/events/history?topic=message.sent", { headers });
    t.equal(history.text.includes(SUBJECT), contains);
    const inbox = await send(at.port, "GET", "/api/messages", { headers: { Authorization: `Bearer ${to.token}` } });
    t.match(inbox.json(), { messages: [{ subject: SUBJECT }] }, "its recipient reads it");
  }
});

t.test("events from before a token was required are read without subjects and addresses", async (t) => {
  const before = await startKoor(t);
  const receiver = await startReceiver(t);
  const [from, to] = [await register("from", {}, before), await register("to", {}, before)];
  const sender = { Authorization: `Bearer ${from.token}` };
  const waiting = "/api/wait?event=message.sent&event=webhook.disabled";
  const { cursor } = (await send(before.port, "GET", waiting, { headers: sender })).json<{ readonly cursor: string }>();
  await sendJson(before.port, "POST", "/api/messages", { to: to.id, subject: SUBJECT, body: "b" }, sender);
  const hook = { id: "chained", url: receiver.url + PATH, patterns: ["loop"] };
  await sendJson(before.port, "POST", "/api/webhooks", hook);
  const hops = { "X-Koor-Hops": String(WEBHOOK_HOPS_MAX) };
  await sendJson(before.port, "POST", "/api/events/publish", { topic: "loop", data: { subject: SUBJECT } }, hops);
  const received = await send(before.port, "GET", "/api/events/history");
  t.ok(received.text.includes(SECRET) && received.text.includes(SUBJECT), "they are stored");
  await before.stop();
  const after = await startKoor(t, { data_dir: before.data_dir, args: ["--auth-token", TOKEN] });
  const stream = await openStream(t, after.port, "pattern=*&since=0", sender);
  const texts = [
    JSON.stringify(await stream.untilCount(received.json<unknown[]>().length)),
    (await send(after.port, "GET", "/api/events/history", { headers: sender })).text,
    (await send(after.port, "GET", "/api/events/history?topic=message.sent&after=0&wait=1", { headers: sender })).text,
    (await send(after.port, "GET", "/api/events/history?source=webhooks", { headers: sender })).text,
    (await send(after.port, "GET", `${waiting}&after=${cursor}&wait=1`, { headers: sender })).text,
  ];
  for (const text of texts) {
    t.match(text, /message\.sent|webhook\.disabled/);
    t.notMatch(text, SECRET);
    t.equal(text.replace(`{"subject":"${SUBJECT}"}`, "").includes(SUBJECT), false, "but what a client published stays");
  }
  const history = (await send(after.port, "GET", "/api/events/history", { headers: sender })).json<
    readonly ReceivedEvent[]
  >();
  t.match(history.find(({ topic }) => topic === "message.sent")?.data, {
    from: from.id,
    to: [to.id],
    intent: "inform",
  });
  t.match(history.find(({ topic }) => topic === "webhook.disabled")?.data, {
    id: "chained",
    url: `127.0.0.1:${receiver.port}`,
    fail_count: 0,
  });
  t.match(history.find(({ topic }) => topic === "loop")?.data, { subject: SUBJECT }, "what a client published stays");
});

t.test("neither is in the audit log, in metrics, or in the server's own log", async (t) => {
  for (const path of [
    "/api/audit?limit=1000",
    "/metrics",
    "/api/metrics",
    "/api/events/history?last=1000",
    "/health",
  ]) {
    const { text } = await send(guarded.port, "GET", path, { headers: RIGHT });
    t.notMatch(text, SECRET, path);
    t.notMatch(text, SUBJECT, path);
  }
  t.match(guarded.log(), /webhook delivery failed/);
  for (const hidden of [SECRET, SUBJECT, TOKEN, ana.token]) t.notMatch(guarded.log(), hidden);
});
