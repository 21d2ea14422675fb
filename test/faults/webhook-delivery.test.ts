/**
 * Tests the delivery of webhooks under faults, over real sockets: receivers that are slow, dead, that break off, that
 * never answer or answer without end, and a server that is killed with a full queue, or stopped in the middle of a
 * delivery.
 */
import t from "tap";
import { SHUTDOWN_DRAIN_MS } from "../../schemas/limits/process.js";
import { WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_TIMEOUT_MS } from "../../schemas/limits/webhooks.js";
import { betweenLooks } from "../support/between-looks.js";
import { countRounds } from "../support/test-size.js";
import { send, sendJson } from "../support/http-client.js";
import { startReceiver } from "../support/receiver.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";
import { makeRandom, newSeed } from "../support/random.js";

interface Webhook {
  readonly id: string;
  readonly active: boolean;
  readonly fail_count: number;
  readonly last_fired?: string;
}

async function add(koor: Koor, webhook: object): Promise<void> {
  const answer = await sendJson(koor.port, "POST", "/api/webhooks", webhook);
  if (answer.status !== 200) throw new Error(answer.text);
}

async function publish(koor: Koor, count: number, data: unknown = null): Promise<number[]> {
  const answer = await sendJson(
    koor.port,
    "POST",
    "/api/events/publish",
    Array.from({ length: count }, () => ({ topic: "t", data })),
  );
  return answer.json<readonly { readonly id: number }[]>().map(({ id }) => id);
}

async function find(koor: Koor, id: string): Promise<Webhook | undefined> {
  return (await send(koor.port, "GET", "/api/webhooks")).json<Webhook[]>().find((webhook) => webhook.id === id);
}

async function untilWebhook(koor: Koor, id: string, holds: (webhook: Webhook) => boolean): Promise<Webhook> {
  for (;;) {
    const webhook = await find(koor, id);
    if (webhook !== undefined && holds(webhook)) return webhook;
    await betweenLooks();
  }
}

const KILLS = countRounds(2, 4);

const firsts = (ids: readonly number[]): number[] => [...new Set(ids)];

t.test(
  "receivers that hang, are dead, break off or fail now and then delay no other receiver, and lose nothing",
  async (t) => {
    const koor = await startKoor(t);
    const hanging = await startReceiver(t, () => undefined);
    let calls = 0;
    const shaky = await startReceiver(t, (_request, response) => {
      calls += 1;
      if (calls % 7 === 0) return 503;
      if (calls % 11 !== 0) return 200;
      response.destroy();
      return undefined;
    });
    // The receiver promises a body, sends a part of it, and closes.
    const cutting = await startReceiver(t, (_request, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("half", () => response.destroy());
      return undefined;
    });
    const healthy = await startReceiver(t);
    for (let at = 0; at < 20; at++) await add(koor, { id: `hang${at}`, url: hanging.url });
    await add(koor, { id: "dead", url: "http://127.0.0.1:1/" });
    await add(koor, { id: "cutting", url: cutting.url });
    await add(koor, { id: "shaky", url: shaky.url });
    await add(koor, { id: "healthy", url: healthy.url });
    const ids = await publish(koor, 60);
    await healthy.untilCount(60);
    t.same(healthy.ids(), ids, "events come in order, each once");
    await shaky.until(() => calls > 60 && firsts(shaky.ids()).length === 60);
    t.same(firsts(shaky.ids()), ids, "they are in the order of the first delivery");
    t.ok(shaky.requests.length > 60, `there were ${shaky.requests.length} tries`);
    await hanging.untilCount(20);
    t.equal(hanging.requests.length, 20, "each webhook has one request in flight");
    t.match(
      await untilWebhook(koor, "cutting", ({ fail_count }) => fail_count > 0),
      { active: true },
      "half an answer is a failure",
    );
    t.match(await untilWebhook(koor, "dead", ({ fail_count }) => fail_count > 0), { active: true });
    t.equal(await koor.stop("SIGKILL"), null);
  },
);

t.test("an answer that never comes, or never ends, is a failure after its time limit", async (t) => {
  const koor = await startKoor(t);
  const silent = await startReceiver(t, () => undefined);
  const endless = await startReceiver(t, (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(WEBHOOK_ANSWER_BYTES_MAX)));
    };
    response.on("drain", more);
    more();
    return undefined;
  });
  await add(koor, { id: "silent", url: silent.url, patterns: ["t"] });
  await add(koor, { id: "endless", url: endless.url, patterns: ["t"] });
  await publish(koor, 1);
  t.match(await untilWebhook(koor, "endless", ({ fail_count }) => fail_count > 0), { active: true });
  t.match(await untilWebhook(koor, "silent", ({ fail_count }) => fail_count > 0), { active: true });
  await silent.untilCount(2);
  const [first, second] = silent.requests;
  const gapMs = (second?.at_ms ?? 0) - (first?.at_ms ?? 0);
  // The time starts when the request is made, which on a busy machine is well before it comes.
  t.ok(gapMs >= WEBHOOK_TIMEOUT_MS / 2, `tried again after ${gapMs} ms`);
  t.equal(first?.headers["x-koor-delivery"], second?.headers["x-koor-delivery"]);
  t.equal(await koor.stop("SIGKILL"), null);
});

t.test(
  "kill -9 with a full queue: every event is delivered at least once, in the order of the first deliveries",
  async (t) => {
    const seed = newSeed();
    t.comment(`seed ${seed}`);
    const random = makeRandom(seed);
    const dataDir = makeDirectory(t);
    let tries = 0;
    const seen = new Set<string>();
    const receiver = await startReceiver(t, (request) => {
      tries += 1;
      seen.add(`${request.path} ${request.body}`);
      return request.path === "/shaky" && tries % 61 === 0 ? 500 : 200;
    });
    const published: number[] = [];
    // Events are pruned long before they are delivered: waiting deliveries do not depend on the history.
    let koor = await startKoor(t, { data_dir: dataDir, args: ["--event-history", "1"] });
    await add(koor, { id: "steady", url: `${receiver.url}/steady` });
    await add(koor, { id: "shaky", url: `${receiver.url}/shaky`, secret: "s" });
    for (let round = 0; round < KILLS; round++) {
      const goal = receiver.requests.length + 20 + random(150);
      for (let at = 0; at < 4; at++) published.push(...(await publish(koor, 100, { round, at })));
      await receiver.untilCount(goal);
      t.equal(await koor.stop("SIGKILL"), null, "killed in the middle");
      koor = await startKoor(t, { data_dir: dataDir, args: ["--event-history", "1"] });
    }
    await receiver.until(() => seen.size === 2 * published.length);
    // The last delivery to the shaky receiver may have been refused when it first came.
    await untilWebhook(koor, "shaky", ({ fail_count }) => fail_count === 0);
    for (const path of ["/steady", "/shaky"]) t.same(firsts(receiver.ids(path)), published, path);
    const ids = new Map<string, string>();
    for (const { path, body, headers } of receiver.requests) {
      const key = `${path} ${(JSON.parse(body) as { event_id: number }).event_id}`;
      const id = String(headers["x-koor-delivery"]);
      if ((ids.get(key) ?? id) !== id) t.fail(`${key} has two delivery ids`);
      ids.set(key, id);
    }
    t.equal(
      new Set(ids.values()).size,
      2 * published.length,
      "an id for each event and webhook, the same in every try",
    );
    t.ok(
      receiver.requests.length < 4 * published.length,
      `${receiver.requests.length} requests for ${2 * published.length} deliveries`,
    );
    t.equal(await koor.stop(), 0);
  },
);

t.test("a shutdown lets deliveries in flight end, and keeps the rest", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  let release: () => void = () => undefined;
  const receiver = await startReceiver(t, (_request, response) => {
    release = () => response.writeHead(200).end();
    return undefined;
  });
  await add(koor, { id: "w", url: receiver.url });
  const ids = await publish(koor, 3);
  await receiver.untilCount(1);
  const stopped = koor.stop();
  await koor.logged(/koor stops/);
  release();
  t.equal(await stopped, 0);
  t.equal(receiver.requests.length, 1);
  receiver.behave = () => 200;
  const again = await startKoor(t, { data_dir: dataDir });
  await receiver.untilCount(3);
  t.same(receiver.ids(), ids, "a delivery that had ended is not repeated");

  receiver.behave = () => undefined;
  const last = await publish(again, 1);
  await receiver.untilCount(4);
  const began = performance.now();
  t.equal(await again.stop(), 0);
  t.ok(performance.now() - began < SHUTDOWN_DRAIN_MS + 15_000, "a delivery that hangs is cut");
  receiver.behave = () => 200;
  const third = await startKoor(t, { data_dir: dataDir });
  await receiver.untilCount(5);
  t.same(receiver.ids().slice(3), [...last, ...last], "and is delivered later");
  t.match(await untilWebhook(third, "w", ({ fail_count }) => fail_count === 0), { active: true });
});
