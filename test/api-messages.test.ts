/** Tests "Messages" of the HTTP API against a real server: recipients, receipts, waiting, and refusals. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import t from "tap";
import { REQUEST_ID_BYTES_MAX } from "../schemas/limits/idempotency.js";
import {
  IN_BOX_UNREAD_MAX,
  MESSAGE_BODY_BYTES_MAX,
  MESSAGE_DATA_BYTES_MAX,
  MESSAGE_EXPIRES_S_MAX,
  MESSAGE_NOTE_BYTES_MAX,
  MESSAGE_RECIPIENTS_MAX,
  MESSAGE_ROWS_MAX,
  MESSAGE_SUBJECT_BYTES_MAX,
  MESSAGE_THREAD_BYTES_MAX,
  MESSAGES_MARKED_MAX,
} from "../schemas/limits/messages.js";
import { refusal, refusalOf, TIMESTAMP } from "./support/answers.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { countInFlight, readMetric } from "./support/metrics.js";
import { readSnapshot } from "./support/snapshot.js";
import { RESTORE_REFUSED } from "./support/variant.js";
import { makeDirectory, startKoor, type Koor } from "./support/server-process.js";
import { betweenLooks } from "./support/between-looks.js";

interface Agent {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}
interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly delivered_at: string | null;
  readonly read_at: string | null;
  readonly acked_at: string | null;
  readonly note: string | null;
}
interface Message {
  readonly id: string;
  readonly thread: string;
  readonly reply_to: string | null;
  readonly from: { readonly id: string; readonly name: string };
  readonly to: readonly Recipient[];
  readonly subject: string;
  readonly body: string;
  readonly data: unknown;
  readonly sent_at: string;
}
interface Page {
  readonly messages: readonly Message[];
  readonly last_id: string | null;
}
interface Sent {
  readonly id: string;
  readonly thread: string;
  readonly to: readonly { readonly id: string; readonly name: string }[];
}

const NEEDS_INSTANCE = refusal(400, "this needs an instance: send X-Koor-Instance or its token");

async function join(koor: Koor, name: string, workspace = "w", active = true): Promise<Agent> {
  const answer = await sendJson(koor.port, "POST", "/api/instances/register", { name, workspace });
  const agent = answer.json<Agent>();
  if (active) await send(koor.port, "POST", `/api/instances/${agent.id}/activate`);
  return agent;
}

const as = ({ id }: { readonly id: string }) => ({ "X-Koor-Instance": id });

function post(koor: Koor, from: Agent, to: string | readonly string[], more: object = {}): Promise<Answer> {
  return sendJson(koor.port, "POST", "/api/messages", { to, subject: "s", ...more }, as(from));
}

async function sendMessage(koor: Koor, from: Agent, to: string | readonly string[], more: object = {}): Promise<Sent> {
  const answer = await post(koor, from, to, more);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Sent>();
}

async function read(koor: Koor, agent: Agent, query = ""): Promise<Page> {
  const answer = await send(koor.port, "GET", `/api/messages${query}`, { headers: as(agent) });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Page>();
}

function mark(koor: Koor, agent: Agent, ids: readonly string[], how: string, more: object = {}): Promise<Answer> {
  return sendJson(koor.port, "POST", "/api/messages/mark", { ids, as: how, ...more }, as(agent));
}

async function threads(koor: Koor, agent: Agent, query = ""): Promise<readonly Record<string, unknown>[]> {
  const answer = await send(koor.port, "GET", `/api/messages/threads${query}`, { headers: as(agent) });
  return answer.json<{ readonly threads: readonly Record<string, unknown>[] }>().threads;
}

async function audited(koor: Koor, action: string): Promise<readonly Record<string, unknown>[]> {
  return (await send(koor.port, "GET", `/api/audit?action=${action}&limit=10000`)).json<Record<string, unknown>[]>();
}

const idsOf = ({ messages }: Page): readonly string[] => messages.map(({ id }) => id);
const unread = (koor: Koor): Promise<number> => readMetric(koor.port, "koor_messages_unread");

t.test("a message goes from its sender to a recipient that reads it and acts upon it", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const answer = await post(koor, ana, "name:ben", {
    subject: "review \u00e9",
    body: "line\nline",
    intent: "request",
    importance: "high",
    data: { n: 1 },
  });
  t.equal(answer.text, `{"id":"message-1","thread":"message-1","to":[{"id":"${ben.id}","name":"ben"}]}\n`);
  t.equal(await unread(koor), 1);

  const out = await read(koor, ana, "?box=out");
  t.match(out.messages[0]?.to, [{ id: ben.id, delivered_at: null, read_at: null, acked_at: null, note: null }]);
  t.same((await read(koor, ana)).messages, [], "a sender does not get its own message");

  const got = await send(koor.port, "GET", "/api/messages", { headers: as(ben) });
  const [message] = got.json<Page>().messages;
  t.same(Object.keys(message ?? {}), [
    "id",
    "thread",
    "reply_to",
    "from",
    "to",
    "subject",
    "intent",
    "importance",
    "body",
    "data",
    "sent_at",
  ]);
  t.match(message, {
    id: "message-1",
    thread: "message-1",
    reply_to: null,
    from: { id: ana.id, name: "ana" },
    to: [{ id: ben.id, name: "ben", delivered_at: TIMESTAMP, read_at: null }],
    subject: "review \u00e9",
    body: "line\nline",
    intent: "request",
    importance: "high",
    data: { n: 1 },
    sent_at: TIMESTAMP,
  });
  t.equal(got.json<Page>().last_id, "message-1");
  t.equal(await unread(koor), 1, "a delivered message is not read");
  const delivered = (await read(koor, ana, "?box=out")).messages[0]?.to[0]?.delivered_at;
  t.equal(delivered, message?.to[0]?.delivered_at, "the sender sees it");
  t.equal((await read(koor, ben)).messages[0]?.to[0]?.delivered_at, delivered, "once is enough");

  t.same((await mark(koor, ben, ["message-1"], "read")).json(), { marked: 1 });
  t.same((await mark(koor, ben, ["message-1"], "read")).json(), { marked: 0 }, "it was delivered before");
  t.equal(await unread(koor), 0);
  t.match((await read(koor, ana, "?box=out")).messages[0]?.to, [{ read_at: TIMESTAMP, acked_at: null }]);
  t.same((await mark(koor, ben, ["message-1"], "acked", { note: "done" })).json(), { marked: 1 });
  t.match((await read(koor, ana, "?box=out")).messages[0]?.to, [{ acked_at: TIMESTAMP, note: "done" }]);
  t.same((await read(koor, ben, "?unread=1")).messages, []);

  const reply = await sendMessage(koor, ben, ana.id, { reply_to: "message-1" });
  t.match(reply, { id: "message-2", thread: "message-1" });
  t.match(await read(koor, ana), { messages: [{ reply_to: "message-1", from: { name: "ben" } }] });
  t.same(await threads(koor, ana), [
    {
      thread: "message-1",
      subject: "review \u00e9",
      with: [{ id: ben.id, name: "ben" }],
      messages: 2,
      unread: 1,
      last_at: (await read(koor, ana)).messages[0]?.sent_at,
    },
  ]);
  t.match(await threads(koor, ben), [{ messages: 2, unread: 0, with: [{ id: ana.id }] }]);

  t.same((await mark(koor, ana, ["message-2"], "acked")).json(), { marked: 1 });
  t.match(
    (await read(koor, ben, "?box=out")).messages[0]?.to,
    [{ read_at: TIMESTAMP, acked_at: TIMESTAMP, note: null }],
    "an acked message is read, too",
  );
});

t.test("a message is published without its body, and has its audit rows", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const cy = await join(koor, "cy");
  const changes = new Promise<string>((resolve) => {
    const request = httpRequest({ port: koor.port, path: "/api/changes?kinds=message" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        if (text === "") void post(koor, ana, [ben.id, "name:cy"], { subject: "plan", body: "secret", thread: "t" });
        text += piece;
        if (!text.includes("data:")) return;
        resolve(text);
        request.destroy();
      });
      response.on("error", () => undefined);
    });
    request.on("error", () => undefined);
    request.end();
  });
  t.match(await changes, '{"kind":"message","key":"message-1","version":null}');
  const history = (await send(koor.port, "GET", "/api/events/history")).json();
  t.match(history, [{ topic: "message.sent", source: "koor" }]);
  t.same((history as readonly { readonly data: unknown }[])[0]?.data, {
    message_id: "message-1",
    thread: "t",
    from: ana.id,
    to: [ben.id, cy.id],
    subject: "plan",
    intent: "inform",
    importance: "normal",
  });
  await mark(koor, ben, ["message-1", "message-7"], "read");
  await mark(koor, ben, ["message-1"], "read");
  await mark(koor, ana, ["message-1"], "read");
  await mark(koor, cy, ["message-1"], "acked", { note: "secret" });
  await mark(koor, cy, [], "acked");
  await read(koor, cy);
  await post(koor, ana, "nobody");
  t.match(await audited(koor, "message.mark"), [
    { actor: cy.id, resource: "", outcome: "error" },
    { actor: cy.id, resource: "message-1", detail: '{"as":"acked","ids":["message-1"]}', outcome: "success" },
    { actor: ben.id, resource: "several", detail: '{"as":"read","ids":["message-1"]}', outcome: "success" },
  ]);
  t.equal((await audited(koor, "message.mark")).length, 3, "a mark that changes nothing has no row");
  t.match(await audited(koor, "message.send"), [
    { actor: ana.id, resource: "", outcome: "error", detail: /nobody there: nobody/ },
    { actor: ana.id, resource: "message-1", detail: '{"thread":"t","recipients":2}', outcome: "success" },
  ]);
  t.notMatch((await send(koor.port, "GET", "/api/audit?limit=100")).text, /secret/);
  const metrics = (await send(koor.port, "GET", "/api/metrics")).json<{ readonly last_event_id: number }>();
  t.equal(metrics.last_event_id, 1, "a mark is no event");
});

t.test("recipients are ids, names, workspaces, or several of them", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const old = await join(koor, "ben");
  const ben = await join(koor, "ben");
  const pending = await join(koor, "ben", "w", false);
  const away = await join(koor, "ben", "other");
  const toIds = async (to: string | readonly string[], from = ana): Promise<readonly string[]> =>
    (await sendMessage(koor, from, to)).to.map(({ id }) => id);
  t.same(await toIds("name:ben"), [ben.id], "a name is the newest active instance of the own workspace");
  t.same(await toIds("name:ben", away), [away.id]);
  t.same(await toIds(pending.id), [pending.id], "an id may be in any workspace");
  t.same(
    new Set(await toIds("workspace:w")),
    new Set([old.id, ben.id]),
    "a workspace is its active instances without the sender",
  );
  t.same(await toIds("workspace:other"), [away.id]);
  t.same(await toIds([away.id, "workspace:other", "name:ben", ben.id]), [away.id, ben.id], "each gets it once");
  t.same(await toIds(ana.id), [ana.id], "a sender may name itself");
  t.same(idsOf(await read(koor, pending)), ["message-3"]);

  for (const to of ["nobody", "name:zoe", "name:", "workspace:none", "workspace:", "ana"]) {
    t.same(refusalOf(await post(koor, ana, to)), refusal(404, `nobody there: ${to}`));
    t.same(refusalOf(await post(koor, ana, [ben.id, to])), refusal(404, `nobody there: ${to}`), "the same in a list");
  }
  await send(koor.port, "DELETE", `/api/instances/${ben.id}`);
  t.same(refusalOf(await post(koor, ana, ben.id)), refusal(404, `nobody there: ${ben.id}`));
  const heir = await join(koor, "ben");
  t.same(
    (await read(koor, heir)).messages,
    [],
    "an instance that takes over a name gets messages that are sent from then on",
  );
  t.same(await toIds("name:ben"), [heir.id]);
  const sent = (await read(koor, ana, "?box=out")).messages;
  t.match(sent[0]?.to, [{ id: ben.id, name: "ben" }], "messages to an instance that is gone stay");
});

t.test("wrong messages are refused", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const anonymous: Agent = { id: "", name: "", token: "" };
  for (const agent of [anonymous, { ...anonymous, id: "unknown" }]) {
    const unwritten = agent.id === "" ? NEEDS_INSTANCE : refusal(404, "instance not found: unknown");
    t.same(refusalOf(await post(koor, agent, ben.id)), unwritten);
    t.same(refusalOf(await mark(koor, agent, ["message-1"], "read")), unwritten);
    for (const path of ["/api/messages", "/api/messages?wait=60", "/api/messages?box=out", "/api/messages/threads"])
      t.same(refusalOf(await send(koor.port, "GET", path, { headers: as(agent) })), NEEDS_INSTANCE);
  }
  const long = (characters: number): string => "\u00e9".repeat(characters) + "xx";
  const refused: readonly (readonly [body: object, error: string | RegExp])[] = [
    [{}, "to is required"],
    [{ to: ben.id }, "subject is required"],
    [{ to: ben.id, subject: "" }, "subject is required"],
    [{ to: [], subject: "s" }, "to is empty"],
    [{ to: 5, subject: "s" }, /^to must be /],
    [{ to: "", subject: "s" }, "to is required"],
    [{ to: [ben.id, ""], subject: "s" }, "to[1] is required"],
    [{ to: ben.id, subject: "a\nb" }, "subject must not contain control characters"],
    [
      { to: ben.id, subject: long(MESSAGE_SUBJECT_BYTES_MAX) },
      `subject is longer than ${MESSAGE_SUBJECT_BYTES_MAX} characters`,
    ],
    [
      { to: ben.id, subject: "s", body: long(MESSAGE_BODY_BYTES_MAX) },
      `body is longer than ${MESSAGE_BODY_BYTES_MAX} characters`,
    ],
    [
      { to: ben.id, subject: "s", data: "x".repeat(MESSAGE_DATA_BYTES_MAX - 1) },
      `data is longer than ${MESSAGE_DATA_BYTES_MAX} bytes`,
    ],
    [
      { to: ben.id, subject: "s", thread: "t".repeat(MESSAGE_THREAD_BYTES_MAX + 1) },
      `thread is longer than ${MESSAGE_THREAD_BYTES_MAX} characters`,
    ],
    [
      { to: ben.id, subject: "s", request_id: "t".repeat(REQUEST_ID_BYTES_MAX + 1) },
      `request_id is longer than ${REQUEST_ID_BYTES_MAX} characters`,
    ],
    [
      { to: Array.from({ length: MESSAGE_RECIPIENTS_MAX + 1 }, () => ben.id), subject: "s" },
      `to must have at most ${MESSAGE_RECIPIENTS_MAX} items`,
    ],
    [{ to: ben.id, subject: "s", intent: "order" }, "intent must be inform, request or ack"],
    [{ to: ben.id, subject: "s", importance: "low" }, "importance must be normal or high"],
    [{ to: ben.id, subject: "s", expires_in_s: 0 }, /^expires_in_s /],
    [{ to: ben.id, subject: "s", expires_in_s: MESSAGE_EXPIRES_S_MAX + 1 }, /^expires_in_s /],
  ];
  for (const [body, error] of refused) {
    const answer = await sendJson(koor.port, "POST", "/api/messages", body, as(ana));
    t.equal(answer.status, 400, JSON.stringify(body).slice(0, 60));
    t.match(answer.json(), { error }, JSON.stringify(body).slice(0, 60));
  }
  const fits = { body: "\u00e9".repeat(MESSAGE_BODY_BYTES_MAX), data: "x".repeat(MESSAGE_DATA_BYTES_MAX - 2) };
  await sendMessage(koor, ana, ben.id, fits);
  t.match((await read(koor, ben)).messages, [fits], "as long as may be");

  for (const [query, error] of [
    ["box=none", "box must be in or out"],
    ["unread=2", "unread must be 0 or 1"],
    ["after=1", "after must be the id of a message"],
    ["after=message-0", "after must be the id of a message"],
    ["after=", "after must be the id of a message"],
    [`after=message-${"9".repeat(16)}`, "after must be the id of a message"],
    ["wait=61", "wait must be at most 60"],
    ["limit=0", "limit must be a positive integer"],
    [`limit=${MESSAGE_ROWS_MAX + 1}`, `limit must be at most ${MESSAGE_ROWS_MAX}`],
  ] as const)
    t.same(
      refusalOf(await send(koor.port, "GET", `/api/messages?${query}`, { headers: as(ben) })),
      refusal(400, error),
    );
  for (const [body, error] of [
    [{ as: "read" }, "ids is required"],
    [{ ids: [], as: "read" }, "ids is empty"],
    [{ ids: ["message-1"] }, "as is required"],
    [{ ids: ["message-1"], as: "unread" }, "as must be read or acked"],
    [
      { ids: Array.from({ length: MESSAGES_MARKED_MAX + 1 }, () => "message-1"), as: "read" },
      `ids must have at most ${MESSAGES_MARKED_MAX} items`,
    ],
    [
      { ids: ["message-1"], as: "read", note: "n".repeat(MESSAGE_NOTE_BYTES_MAX + 1) },
      `note is longer than ${MESSAGE_NOTE_BYTES_MAX} characters`,
    ],
  ] as const)
    t.same(refusalOf(await sendJson(koor.port, "POST", "/api/messages/mark", body, as(ben))), refusal(400, error));
  t.equal((await read(koor, ben)).messages[0]?.to[0]?.read_at, null, "no message was marked");
});

t.test("an instance cannot read or mark another's messages", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const eve = await join(koor, "eve");
  await sendMessage(koor, ana, ben.id, { thread: "t" });
  for (const query of ["", "?box=out", "?thread=t", "?box=out&thread=t&unread=1"])
    t.same(await read(koor, eve, query), { messages: [], last_id: null });
  t.same(await threads(koor, eve), []);
  for (const how of ["read", "acked"])
    for (const agent of [eve, ana])
      t.same((await mark(koor, agent, ["message-1"], how)).json(), { marked: 0 }, `${agent.name} ${how}`);
  t.match((await read(koor, ana, "?box=out")).messages[0]?.to, [{ delivered_at: null, read_at: null, acked_at: null }]);
  for (const replyTo of ["message-1", "message-9", "message-0", "x", `message-${"9".repeat(20)}`])
    t.same(
      refusalOf(await post(koor, eve, ana.id, { reply_to: replyTo })),
      refusal(404, `message not found: ${replyTo}`),
    );
  t.same(
    refusalOf(await post(koor, ben, ana.id, { reply_to: "message-1", thread: "other" })),
    refusal(400, "thread is not that of the message in reply_to"),
  );
  t.match(await sendMessage(koor, ben, ana.id, { reply_to: "message-1", thread: "t" }), { thread: "t" });
  t.match(
    await sendMessage(koor, ana, ben.id, { reply_to: "message-1" }),
    { thread: "t" },
    "a sender can reply to its own message",
  );
  // A recipient does not learn the other recipients.
  await sendMessage(koor, ana, [ben.id, eve.id], { thread: "t" });
  t.match((await read(koor, eve)).messages, [{ to: [{ id: eve.id }] }]);
  t.equal((await read(koor, eve)).messages[0]?.to.length, 1);
  t.match(await threads(koor, eve), [{ thread: "t", messages: 1 }]);
  t.same((await threads(koor, eve))[0]?.["with"], [{ id: ana.id, name: "ana" }]);
  t.match(await threads(koor, ana), [{ messages: 4, with: [{ id: ben.id }, { id: eve.id }] }]);

  const guarded = await startKoor(t, { args: ["--auth-token", "secret"] });
  const register = async (name: string): Promise<Agent> =>
    (
      await sendJson(guarded.port, "POST", "/api/instances/register", { name }, { Authorization: "Bearer secret" })
    ).json<Agent>();
  const [cy, dan] = [await register("cy"), await register("dan")];
  const own = { Authorization: `Bearer ${cy.token}` };
  const body = JSON.stringify({ to: dan.id, subject: "s" });
  const sent = await send(guarded.port, "POST", "/api/messages", { body, headers: { ...own, ...as(dan) } });
  t.equal(sent.status, 200, "the token says which instance it is");
  t.same((await send(guarded.port, "GET", "/api/messages", { headers: { ...own, ...as(dan) } })).json(), {
    messages: [],
    last_id: null,
  });
  const server = { Authorization: "Bearer secret" };
  t.same(refusalOf(await send(guarded.port, "GET", "/api/messages", { headers: server })), NEEDS_INSTANCE);
  t.equal((await send(guarded.port, "GET", "/api/messages", { headers: as(dan) })).status, 401);
});

t.test("an observer sees all messages, and marks none", async (t) => {
  const koor = await startKoor(t, { args: ["--auth-token", "secret"] });
  const server = { Authorization: "Bearer secret" };
  const register = async (name: string): Promise<Agent> =>
    (await sendJson(koor.port, "POST", "/api/instances/register", { name }, server)).json<Agent>();
  const [ana, ben, eve] = [await register("ana"), await register("ben"), await register("eve")];
  const by = ({ token }: Agent) => ({ Authorization: `Bearer ${token}` });
  const postAs = (from: Agent, to: readonly Agent[], more: object = {}) =>
    sendJson(koor.port, "POST", "/api/messages", { to: to.map(({ id }) => id), subject: "s", ...more }, by(from));
  const all = async (query = ""): Promise<readonly Message[]> => {
    const answer = await send(koor.port, "GET", `/api/messages/all${query}`, { headers: server });
    return answer.json<{ readonly messages: readonly Message[] }>().messages;
  };
  const ids = async (query: string): Promise<readonly string[]> => (await all(query)).map(({ id }) => id);
  t.same(await all(), []);
  await postAs(ana, [ben, eve], { body: "b", data: { n: 1 } });
  await postAs(ben, [ana], { thread: "t", intent: "request" });
  await postAs(ana, [ben], { thread: "t", importance: "high" });
  await postAs(eve, [eve], { expires_in_s: 1000 });
  const readByBen = { ids: ["message-1", "message-3"], as: "read" };
  await sendJson(koor.port, "POST", "/api/messages/mark", readByBen, by(ben));
  const [newest, ...older] = await all();
  t.match(newest, { id: "message-4", from: { id: eve.id }, to: [{ id: eve.id }] });
  t.match(older.at(-1), {
    id: "message-1",
    thread: "message-1",
    from: { id: ana.id, name: "ana" },
    to: [
      { id: ben.id, name: "ben", read_at: TIMESTAMP },
      { id: eve.id, name: "eve", delivered_at: null, read_at: null },
    ],
    body: "b",
    data: { n: 1 },
  });
  t.same(await ids("?thread=t"), ["message-3", "message-2"]);
  t.same(await ids(`?instance=${ben.id}`), ["message-3", "message-2", "message-1"], "from ben or to ben");
  t.same(await ids("?unread=1"), ["message-4", "message-2", "message-1"]);
  t.same(await ids("?urgent=1"), ["message-3", "message-2"]);
  t.same(await ids(`?urgent=1&unread=1&instance=${ana.id}&thread=t`), ["message-2"]);
  t.same(await ids("?before=message-3&limit=1"), ["message-2"]);
  t.same(await ids("?instance=nobody"), []);
  await sendJson(koor.port, "DELETE", `/api/instances/${ana.id}`, {}, server);
  t.match(
    (await all("?thread=t")).at(0),
    { from: { name: "ana" }, thread: "t" },
    "an instance that is gone is still named",
  );
  for (const headers of [by(ben), { ...by(eve), ...as(ana) }])
    t.same(
      refusalOf(await send(koor.port, "GET", "/api/messages/all", { headers })),
      refusal(403, "this needs the server token"),
    );
  const own = (await send(koor.port, "GET", "/api/messages?unread=1", { headers: by(eve) })).json<Page>();
  t.same(idsOf(own), ["message-1", "message-4"], "reading marked none");
});

t.test("lists have pages, cursors and threads", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  for (let at = 1; at <= 7; at++) await sendMessage(koor, ana, ben.id, { thread: at % 2 === 0 ? "even" : "odd" });
  const all = Array.from({ length: 7 }, (_, at) => `message-${at + 1}`);
  t.same(idsOf(await read(koor, ben)), all, "oldest first");
  const first = await read(koor, ben, "?limit=3");
  t.same([idsOf(first), first.last_id], [all.slice(0, 3), "message-3"]);
  t.same(idsOf(await read(koor, ben, "?limit=3&after=message-3")), all.slice(3, 6));
  t.same(await read(koor, ben, "?after=message-7"), { messages: [], last_id: "message-7" });
  const ahead = await read(koor, ben, "?after=message-99");
  t.same(idsOf(ahead), all, "a cursor ahead of the newest, as after a restore, starts from the first");
  t.match(ahead, { last_id: "message-7", lagged: true });
  const none = await read(koor, ben, "?thread=none&after=message-99");
  t.same(none, { messages: [], last_id: null, lagged: true }, "even without messages");
  t.same(idsOf(await read(koor, ben, "?thread=even")), ["message-2", "message-4", "message-6"]);
  t.same(idsOf(await read(koor, ben, "?thread=none")), []);
  await mark(koor, ben, ["message-2", "message-3"], "read");
  t.same(
    idsOf(await read(koor, ben, "?unread=1")),
    all.filter((id) => !["message-2", "message-3"].includes(id)),
  );
  t.same(idsOf(await read(koor, ben, "?unread=1&thread=even&after=message-3")), ["message-4", "message-6"]);
  t.same(idsOf(await read(koor, ana, "?box=out&unread=1&limit=2")), ["message-1", "message-4"]);
  t.same(idsOf(await read(koor, ana, "?box=out&thread=odd&after=message-4")), ["message-5", "message-7"]);
  t.match(await threads(koor, ben), [
    { thread: "odd", messages: 4, unread: 3 },
    { thread: "even", messages: 3, unread: 2 },
  ]);
  t.equal((await threads(koor, ben, "?limit=1")).length, 1);
  await Promise.all(Array.from({ length: 150 }, () => sendMessage(koor, ben, ana.id)));
  const long = await read(koor, ana, "?limit=1000");
  t.equal(long.messages.length, 150, "more than the front reads itself");
  t.ok(
    long.messages.every(({ to }) => to[0]?.delivered_at !== null),
    "all of them delivered",
  );
  t.equal((await read(koor, ana)).messages.length, 100, "unless the query says otherwise");
});

t.test("the same request_id is the same message", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const requestId = "r1";
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => post(koor, ana, "name:ben", { request_id: requestId })),
  );
  t.same(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1, "all get the same answer");
  t.same(idsOf(await read(koor, ben)), ["message-1"]);
  t.equal(await unread(koor), 1);
  const { last_event_id } = (await send(koor.port, "GET", "/api/metrics")).json<{ readonly last_event_id: number }>();
  t.equal(last_event_id, 1, "one event");
  t.match(
    await sendMessage(koor, ben, ana.id, { request_id: requestId }),
    { id: "message-2" },
    "another caller's request_id is another",
  );
  t.match(await sendMessage(koor, ana, ben.id, { request_id: "r2" }), { id: "message-3" });
  await send(koor.port, "DELETE", `/api/instances/${ben.id}`);
  t.equal(
    (await post(koor, ana, "name:ben", { request_id: requestId })).text,
    answers[0]?.text,
    "even when a recipient is gone",
  );
  t.same(refusalOf(await post(koor, ana, "name:ben", { request_id: "r3" })), refusal(404, "nobody there: name:ben"));
  const heir = await join(koor, "ben");
  t.match(
    await sendMessage(koor, ana, "name:ben", { request_id: "r3" }),
    { to: [{ id: heir.id }] },
    "a refusal is not stored",
  );
});

t.test("a request_id belongs to one request: the same call leaves no row, and another call is refused", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const call = (path: string, body: object, by = ana): Promise<Answer> =>
    sendJson(koor.port, "POST", path, body, { "X-Koor-Instance": by.id });
  const rows = async (): Promise<number> =>
    (await send(koor.port, "GET", "/api/audit?limit=10000")).json<readonly unknown[]>().length;
  const of = { request_id: "one" };
  const calls = [
    ["/api/messages", { to: ben.id, subject: "s", data: { n: 1 } }, { to: ben.id, subject: "s", data: { n: 2 } }],
    ["/api/leases", { resources: ["a"] }, { resources: ["b"] }],
    ["/api/tasks", { title: "t" }, { title: "u" }],
    ["/api/tasks/claim", { labels: [] }, { labels: ["x"] }],
  ] as const;
  for (const [at, [path, first, other]] of calls.entries()) {
    const requestId = `own-${at}`;
    const made = await call(path, { ...first, request_id: requestId });
    t.equal(made.status, 200, path);
    const before = await rows();
    const again = await call(path, { request_id: requestId, wait_s: 0, ...first });
    t.equal(again.status, 200, `${path}: the same, its members in another order`);
    t.equal(await rows(), before, `${path}: no row`);
    const refused = refusal(409, "request_id was used for another request");
    t.same(refusalOf(await call(path, { ...other, request_id: requestId })), refused, `${path}: another body`);
    for (const [elsewhere, body] of calls)
      if (elsewhere !== path)
        t.same(refusalOf(await call(elsewhere, { ...body, request_id: requestId })), refused, elsewhere);
    t.equal(
      (await call("/api/messages", { to: ana.id, subject: "s", request_id: requestId }, ben)).status,
      200,
      "another caller's",
    );
  }
  t.match(
    await call("/api/tasks", [
      { title: "a", ...of },
      { title: "b", ...of },
    ]),
    {
      status: 400,
      text: /\[1\]\.request_id is that of another task of this call/,
    },
  );
});

t.test("a message to a full in-box is delivered to no recipient", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const cy = await join(koor, "cy");
  for (let sent = 0; sent < IN_BOX_UNREAD_MAX; sent += 100)
    await Promise.all(Array.from({ length: 100 }, () => sendMessage(koor, ana, ben.id)));
  for (const to of [ben.id, [cy.id, "name:ben"], "workspace:w"]) {
    const answer = await post(koor, ana, to);
    t.same(refusalOf(answer), refusal(429, "the in-box of ben is full"));
    t.match(answer.headers["retry-after"], /^\d+$/);
  }
  t.same((await read(koor, cy)).messages, []);
  t.equal(await unread(koor), IN_BOX_UNREAD_MAX);
  const [newest] = await audited(koor, "message.send");
  t.match(newest, { outcome: "success" }, "repeated attempts do not fill the log");
  await sendMessage(koor, ana, cy.id);
  t.same((await mark(koor, ben, ["message-1"], "read")).json(), { marked: 1 });
  await sendMessage(koor, ana, ben.id);
  t.same(refusalOf(await post(koor, ana, ben.id)), refusal(429, "the in-box of ben is full"));
});

t.test("the greatest number of recipients is accepted, and one more is refused", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const all = await Promise.all(Array.from({ length: MESSAGE_RECIPIENTS_MAX }, (_, at) => join(koor, `n${at}`)));
  const sent = await sendMessage(koor, ana, "workspace:w");
  t.same(new Set(sent.to.map(({ id }) => id)), new Set(all.map(({ id }) => id)));
  t.equal((await read(koor, ana, "?box=out")).messages[0]?.to.length, MESSAGE_RECIPIENTS_MAX);
  await join(koor, "more");
  const refused = refusal(400, `to names more than ${MESSAGE_RECIPIENTS_MAX} instances`);
  t.same(refusalOf(await post(koor, ana, "workspace:w")), refused);
  t.same(refusalOf(await post(koor, ana, [ana.id, "workspace:w"])), refused);
  t.equal(await unread(koor), MESSAGE_RECIPIENTS_MAX);
});

/** Asks, and resolves when the server has the request. */
async function wait(koor: Koor, agent: Agent, query: string): Promise<{ readonly answer: Promise<Answer> }> {
  const before = await countInFlight(koor.port);
  const answer = send(koor.port, "GET", `/api/messages?wait=60${query}`, { headers: as(agent) });
  while ((await countInFlight(koor.port)) <= before) await betweenLooks();
  return { answer };
}

t.test("a long poll is answered by messages to its instance only", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const cy = await join(koor, "cy");
  const waiting = await wait(koor, ben, "");
  const other = await wait(koor, cy, "");
  const sender = await wait(koor, ana, "&box=out");
  const threaded = await wait(koor, ben, "&thread=t");
  t.equal(await countInFlight(koor.port), 4);
  await sendMessage(koor, ana, ben.id);
  const got = (await waiting.answer).json<Page>();
  t.match(got, { messages: [{ id: "message-1", to: [{ delivered_at: TIMESTAMP }] }], last_id: "message-1" });
  t.match((await sender.answer).json(), { messages: [{ id: "message-1" }] });
  t.equal(await countInFlight(koor.port), 2, "no other call is answered");
  const next = await wait(koor, ben, "&after=message-1");
  const unreadOnly = await wait(koor, ben, "&unread=1&after=message-1");
  await mark(koor, ben, ["message-1"], "read");
  t.equal(await countInFlight(koor.port), 4, "a mark wakes no call");
  await sendMessage(koor, ana, "workspace:w", { thread: "t" });
  for (const { answer } of [next, unreadOnly, threaded, other])
    t.match((await answer).json(), { messages: [{ id: "message-2" }], last_id: "message-2" });
  t.match(
    (await send(koor.port, "GET", "/api/messages?wait=60", { headers: as(ben) })).json<Page>().messages.length,
    2,
  );
  const started = Date.now();
  t.same(await read(koor, ben, "?after=message-2&wait=1"), { messages: [], last_id: "message-2" });
  t.ok(Date.now() - started >= 900, "it waits for the requested time");
});

t.test("a client that disconnects gets nothing delivered, and a shutdown ends waiting calls", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  const gone = httpRequest({ port: koor.port, path: "/api/messages?wait=60", headers: as(ben) });
  gone.on("error", () => undefined);
  gone.end();
  while ((await countInFlight(koor.port)) < 1) await betweenLooks();
  gone.destroy();
  while ((await countInFlight(koor.port)) > 0) await betweenLooks();
  await sendMessage(koor, ana, ben.id);
  t.match((await read(koor, ana, "?box=out")).messages[0]?.to, [{ delivered_at: null }]);
  const waiting = [await wait(koor, ana, ""), await wait(koor, ben, "&after=message-1")];
  const stopped = koor.stop();
  const answers = await Promise.all(waiting.map(({ answer }) => answer));
  t.same(
    answers.map((answer) => answer.json()),
    [
      { messages: [], last_id: null },
      { messages: [], last_id: "message-1" },
    ],
  );
  t.equal(await stopped, 0);
});

t.test("an expired message is not listed, and is soon deleted", async (t) => {
  const koor = await startKoor(t);
  const ana = await join(koor, "ana");
  const ben = await join(koor, "ben");
  await sendMessage(koor, ana, ben.id, { expires_in_s: 1 });
  await sendMessage(koor, ana, ben.id, { expires_in_s: MESSAGE_EXPIRES_S_MAX });
  t.equal(await unread(koor), 2);
  while ((await unread(koor)) > 1) await betweenLooks();
  t.same(idsOf(await read(koor, ben)), ["message-2"]);
  t.same(idsOf(await read(koor, ana, "?box=out")), ["message-2"]);
  t.same((await mark(koor, ben, ["message-1"], "read")).json(), { marked: 0 });
  t.same(
    refusalOf(await post(koor, ben, ana.id, { reply_to: "message-1" })),
    refusal(404, "message not found: message-1"),
  );
  t.match(await threads(koor, ben), [{ thread: "message-2", messages: 1 }]);
  t.equal((await threads(koor, ben)).length, 1);
  t.match(await sendMessage(koor, ana, ben.id), { id: "message-3" }, "its id is not used again");
});

t.test(
  "a restart keeps messages, a snapshot has them, and data keeps its digits",
  { skip: RESTORE_REFUSED },
  async (t) => {
    const dataDir = makeDirectory(t);
    const first = await startKoor(t, { data_dir: dataDir });
    const ana = await join(first, "ana");
    const ben = await join(first, "ben");
    const body = `{"to":"${ben.id}","subject":"s","data":{\n"n":12345678901234567890,"f":1.0},"request_id":"r"}`;
    const sent = await send(first.port, "POST", "/api/messages", { body, headers: as(ana) });
    await sendMessage(first, ben, ana.id, { reply_to: "message-1", intent: "ack", expires_in_s: 600 });
    await sendMessage(first, ana, ben.id, { data: null });
    await read(first, ben);
    await mark(first, ben, ["message-1"], "acked", { note: "n" });
    const shown = async (koor: Koor): Promise<readonly string[]> =>
      await Promise.all(
        [ana, ben].flatMap((agent) =>
          ["", "?box=out", "/threads"].map(
            async (rest) => (await send(koor.port, "GET", `/api/messages${rest}`, { headers: as(agent) })).text,
          ),
        ),
      );
    await read(first, ana);
    const before = await shown(first);
    t.match(before[1], '"data":{ "n":12345678901234567890,"f":1.0}');
    t.equal(await unread(first), 2);
    await first.stop("SIGKILL");

    const second = await startKoor(t, { data_dir: dataDir });
    t.same(await shown(second), before);
    t.equal(await unread(second), 2, "counted at the start");
    t.equal(
      (await send(second.port, "POST", "/api/messages", { body, headers: as(ana) })).text,
      sent.text,
      "the request is stored",
    );
    const snapshot = (await send(second.port, "GET", "/api/backup")).text;
    t.equal(readSnapshot(snapshot).filter(({ kind }) => kind === "message").length, 3);
    await second.stop();

    const third = await startKoor(t);
    const early = await join(third, "early");
    await send(third.port, "DELETE", `/api/instances/${early.id}`);
    t.equal((await send(third.port, "POST", "/api/restore", { body: snapshot })).status, 200);
    t.same(await shown(third), before);
    t.equal(await unread(third), 2);
    t.match(await sendMessage(third, ben, ana.id), { id: "message-4" });
  },
);

const curl = spawnSync("curl", ["--version"]);

t.test(
  "the recipe of docs/messages.md works",
  { skip: curl.status === 0 ? false : "there is no curl here" },
  async (t) => {
    const koor = await startKoor(t);
    const page = readFileSync(new URL("../../../docs/messages.md", import.meta.url), "utf8");
    const [, recipe = "", says = ""] = /^```sh\n([^]*?)^```\n\n```\n([^]*?)^```$/m.exec(page) ?? [];
    t.match(recipe, "/api/messages?unread=1&wait=60");
    const shell = spawn("sh", ["-c", recipe], { env: { PATH: process.env["PATH"] ?? "", KOOR_SERVER: koor.url } });
    let said = "";
    shell.stdout.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    shell.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    t.same(await once(shell, "close"), [0, null]);
    t.equal(said, says, "its output is that of the page");
  },
);
