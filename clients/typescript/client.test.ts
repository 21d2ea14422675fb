/**
 * Tests messages, waits, instances and usage against a real server. clients/behaviours.json describes the expected
 * behaviour.
 */
import t from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { betweenLooks } from "../../test/support/between-looks.js";
import { send } from "../../test/support/http-client.js";
import { startKoor } from "../../test/support/server-process.js";
import { BadRequestError, connect, ForbiddenError } from "./client.js";

const { url, port } = await startKoor(t);
const client = connect({ url });
const { client: ana } = await client.instances.register({ name: "ana", workspace: "w" });
const { client: ben, instance } = await client.instances.register({ name: "ben", workspace: "w" });

await behaviour(t, "messages-inbox", async (t) => {
  await ana.messages.send({ to: "name:ben", subject: "first", intent: "request" });
  const ending = new AbortController();
  const inbox = ben.messages.inbox({ signal: ending.signal });
  t.match(await inbox.next(), { value: { subject: "first", from: { name: "ana" } } });
  t.equal((await ben.messages.list({ unread: true })).messages.length, 1, "it is marked when the next is asked for");
  const second = inbox.next();
  await ana.messages.send({ to: "name:ben", subject: "second" });
  t.match(await second, { value: { subject: "second" } });
  const third = inbox.next();
  // Wait until the in-box has marked the second message, which it does just before it requests the next page.
  while ((await ben.messages.list({ unread: true })).messages.length > 0) await betweenLooks();
  ending.abort(new Error("enough"));
  await t.rejects(third, { message: "enough" });
  t.match(await ana.messages.list({ box: "out" }), {
    messages: [{ to: [{ read_at: /^\d{4}-/ }] }, { to: [{ read_at: /^\d{4}-/ }] }],
  });
});

t.test("an in-box marks nothing that its reader did not finish", async (t) => {
  await ana.messages.send({ to: "name:ben", subject: "left" });
  for await (const message of ben.messages.inbox()) {
    t.equal(message.subject, "left");
    break;
  }
  for await (const message of ben.messages.inbox({ mark: false })) {
    t.equal(message.subject, "left", "it comes again");
    t.equal(await ben.messages.mark([message.id], "acked", { note: "done" }), 1);
    break;
  }
});

await behaviour(t, "wait", async (t) => {
  const waiting = client.wait({ event: "build.*", state_above: "0:plan" });
  await client.state.set("plan", 1);
  const first = await waiting;
  t.match(first.matched, { kind: "state", key: "plan", version: 1 });
  const again = client.wait({ event: "build.*", after: first.cursor });
  await client.events.publish("build.done", true);
  t.match((await again).matched, { kind: "event", event: { topic: "build.done", data: true } });
});

await behaviour(t, "wait-timeout", async (t) => {
  for (const waitS of [0, 1]) {
    const answer = await client.wait({ event: "never", wait_s: waitS });
    t.match(answer, { matched: null, cursor: /^\S+$/ });
  }
  await t.rejects(client.wait({}), BadRequestError);
});

await behaviour(t, "instances-register", async (t) => {
  const secured = await startKoor(t, { args: ["--auth-token", "a-token-of-the-server"] });
  const whole = connect({ url: secured.url, token: "a-token-of-the-server" });
  const { client: eva, instance: evaInstance } = await whole.instances.register({ name: "eva" });
  t.match(await eva.events.publish("a.b"), { source: evaInstance.id });
  await t.rejects(eva.leases.break("lease-1", "no"), ForbiddenError, "she has a token of her own");
  await whole.instances.activate(evaInstance.id);
  await whole.instances.heartbeat(evaInstance.id, { busy_s: 60 });
  t.match(await whole.instances.get(evaInstance.id), { name: "eva", status: "active" });
  t.match(await whole.instances.list({ name: "eva" }), [{ id: evaInstance.id }]);
  await whole.instances.delete(evaInstance.id);
  t.same(await whole.instances.list(), []);
});

t.test("without authentication the id of the instance is enough", async (t) => {
  t.match(await ben.events.publish("a.b"), { source: instance.id });
  t.match(await connect({ url, instance: instance.id }).events.publish("a.b"), { source: instance.id });
});

await behaviour(t, "usage-report", async (t) => {
  t.match(await ana.usage.report({ provider: "acme", model: "large-1", tokens_in: 5 }), { recorded: true });
  t.match((await send(port, "GET", "/api/llm/usage")).json(), [{ provider: "acme", tokens_in: 5 }]);
});

t.test("an address that is none is refused at once", (t) => {
  t.throws(() => connect({ url: "localhost:9800" }), TypeError);
  t.throws(() => connect({ url: [] }), TypeError);
  t.end();
});
