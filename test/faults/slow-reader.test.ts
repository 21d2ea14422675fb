/**
 * Tests long answers to clients that read slowly, or disconnect in the middle: an answer that is read to its end is
 * whole, also when the server is stopped meanwhile, and each gives its place in the job pool back.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import t from "tap";
import { REQUEST_TIMEOUT_MS } from "../../schemas/limits/connections.js";
import { BODY_BYTES_MAX } from "../../schemas/limits/request-bodies.js";
import { countRounds } from "../support/test-size.js";
import { send, sendJson } from "../support/http-client.js";
import { countInFlight } from "../support/metrics.js";
import { startKoor, type Koor, type Owner } from "../support/server-process.js";
import { betweenLooks } from "../support/between-looks.js";

/** Together far more than a connection's buffers hold. */
const EVENTS = 200;
const FILLER = "x".repeat(100_000);
const PATH = "/api/events/history?after=0&last=1000";

async function publishAll(koor: Koor): Promise<void> {
  for (let at = 0; at < EVENTS; at += 50) {
    const answer = await sendJson(
      koor.port,
      "POST",
      "/api/events/publish",
      Array.from({ length: 50 }, () => ({ topic: "t", data: FILLER })),
    );
    if (answer.status !== 200) throw new Error(answer.text);
  }
}

/** A GET whose answer is not read yet. */
async function open(t: Owner, koor: Koor, path = PATH): Promise<IncomingMessage> {
  const request = get({ host: "127.0.0.1", port: koor.port, path, agent: false });
  t.teardown(() => {
    request.destroy();
  });
  request.on("error", () => undefined);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** Reads an answer in portions, waiting for a whole other request after each. */
async function readSlowly(response: IncomingMessage, pause: () => Promise<unknown>): Promise<number> {
  let text = "";
  let portion = 0;
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    portion += chunk.length;
    if (portion < 1_000_000) continue;
    portion = 0;
    await pause();
  }
  return (JSON.parse(text) as unknown[]).length;
}

t.test("a long answer that is read slowly is whole", async (t) => {
  const koor = await startKoor(t);
  await publishAll(koor);
  const responses = await Promise.all([open(t, koor), open(t, koor)]);
  t.equal(await countInFlight(koor.port), 2);
  const counts = await Promise.all(
    responses.map((response) => readSlowly(response, () => send(koor.port, "GET", "/health"))),
  );
  t.same(counts, [EVENTS, EVENTS]);
  t.equal(await countInFlight(koor.port), 0);
});

t.test("a client that stops reading a long answer is cut off", async (t) => {
  const koor = await startKoor(t);
  await publishAll(koor);
  await send(koor.port, "PUT", "/api/state/long", { body: Buffer.alloc(BODY_BYTES_MAX, "x") });
  await Promise.all([open(t, koor), open(t, koor, "/api/state/long")]);
  t.equal(await countInFlight(koor.port), 2);
  const fromMs = performance.now();
  while ((await countInFlight(koor.port)) > 0) await betweenLooks();
  const tookMs = performance.now() - fromMs;
  t.ok(tookMs > REQUEST_TIMEOUT_MS / 2 && tookMs < 3 * REQUEST_TIMEOUT_MS, `after ${Math.round(tookMs)} ms`);
});

t.test("clients that disconnect in the middle of an answer free their workers", async (t) => {
  const koor = await startKoor(t);
  await publishAll(koor);
  for (let round = 0; round < countRounds(2, 4); round++) {
    const responses = await Promise.all([open(t, koor), open(t, koor), open(t, koor)]);
    for (const response of responses) {
      await once(response, "readable");
      response.destroy();
    }
  }
  while ((await countInFlight(koor.port)) > 0) await betweenLooks();
  t.equal(
    (await send(koor.port, "GET", "/api/audit/summary")).status,
    200,
    "the pool has free workers again, long before any deadline",
  );
  t.equal(await readSlowly(await open(t, koor), () => Promise.resolve()), EVENTS);
  t.equal(await koor.stop(), 0);
});

t.test("a long answer that is being read is sent to its end before the server stops", async (t) => {
  const koor = await startKoor(t);
  await publishAll(koor);
  const response = await open(t, koor);
  const stopped = koor.stop();
  await koor.logged(/msg="koor stops"/);
  t.equal(await readSlowly(response, () => new Promise((resolve) => setImmediate(resolve))), EVENTS);
  t.equal(await stopped, 0);
});
