/**
 * Tests the bounds of one batch, and what a method with a bug does to its batch. Batches are made of chosen calls while
 * the writer is held up (test/threads/crashing-writer.ts).
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { BATCH_BYTES_MAX } from "../../schemas/limits/writer.js";
import { gather } from "../support/held-writer.js";
import { send, sendJson } from "../support/http-client.js";
import { readMetric } from "../support/metrics.js";
import { startKoor } from "../support/server-process.js";
import { FAULTS } from "../threads/faults.js";

const PROGRAM = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));
// Not more than LARGE_WRITE_BYTES_MIN: the writer gets larger ones one at a time.
const EVENT_BYTES = 960 * 1024;

t.test("waiting events of more than a batch's bytes become several batches", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true });
  const event = { topic: "large", data: "x".repeat(EVENT_BYTES) };
  const fitting = Math.floor(BATCH_BYTES_MAX / EVENT_BYTES);
  const count = 3 * fitting + 3;
  const batches = (): Promise<number> => readMetric(koor.port, "koor_writer_batch_calls_count");
  const before = await batches();
  const sent = await gather(koor, 1, () =>
    Array.from({ length: count }, () => sendJson(koor.port, "POST", "/api/events/publish", event)),
  );
  const answers = await Promise.all(sent);
  t.ok(answers.every(({ status }) => status === 200));
  // Three full batches and the rest; the hold is one more, and the events' weights may leave one out of a batch.
  const made = (await batches()) - before - 1;
  t.ok(made >= 4 && made <= 5, `${made} batches for ${count} events`);
  t.equal(await koor.stop(), 0);
});

t.test("a method with a bug fails its own call only, and stores nothing", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true });
  const sent = await gather(koor, 1, () => [
    sendJson(koor.port, "PUT", "/api/state/first", 1),
    sendJson(koor.port, "PUT", `/api/state/${FAULTS.bug}`, 1),
    sendJson(koor.port, "PUT", "/api/state/second", 2),
  ]);
  const answers = await Promise.all(sent);
  t.same(
    answers.map(({ status }) => status),
    [200, 500, 200],
  );
  t.equal((await send(koor.port, "GET", `/api/state/${FAULTS.bug}`)).status, 404);
  t.equal((await send(koor.port, "GET", "/api/state/second")).text, "2");
  t.equal(await readMetric(koor.port, "koor_writer_restarts_total"), 0, "the writer continues");
  t.match(koor.log(), /method failed.*state\.put.*thrown on purpose/s, "the log reports it");
  t.equal(await koor.stop(), 0);
});
