/**
 * Tests crashes of the writer thread: in the middle of a batch, and between a commit and its report. Calls in flight
 * are refused and not stored, or left open and stored; reads continue; the writer comes back; subscribers miss nothing.
 * Keys and topics trigger the faults (test/threads/crashing-writer.ts).
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { countRounds } from "../support/test-size.js";
import { gather } from "../support/held-writer.js";
import { send, sendJson, type Answer, type Refusal } from "../support/http-client.js";
import { readMetric } from "../support/metrics.js";
import { singleServerOnly } from "../support/variant.js";
import { startKoor, type Koor, type Owner } from "../support/server-process.js";
import { openChanges, openSocket, type ReceivedEvent } from "../support/subscriber.js";
import { FAULTS } from "../threads/faults.js";

/** The writer comes back a little later after each crash. */
const CRASHES = countRounds(2, 3);
const PROGRAM = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));

function start(t: Owner, ...args: string[]): Promise<Koor> {
  return startKoor(t, { program: PROGRAM, ownReadsOnly: true, args });
}

function put(koor: Koor, key: string, value: unknown): Promise<Answer> {
  return sendJson(koor.port, "PUT", `/api/state/${key}`, value);
}

/** Writes until the writer is back; only 503 may come before. */
async function putWhenBack(koor: Koor, key: string, value: unknown): Promise<Answer> {
  for (;;) {
    const answer = await put(koor, key, value);
    if (answer.status !== 503) return answer;
  }
}

/** Reads all the time until it is stopped; every answer must be a 200. */
function readAllTheTime(
  koor: Koor,
  path: string,
): () => Promise<{ readonly reads: number; readonly failures: readonly string[] }> {
  const stopped = new AbortController();
  const failures: string[] = [];
  let reads = 0;
  const reading = (async () => {
    while (!stopped.signal.aborted) {
      const answer = await send(koor.port, "GET", path).catch(String);
      if (typeof answer === "string") failures.push(answer);
      else if (answer.status === 200) reads += 1;
      else failures.push(answer.text);
    }
  })();
  return async () => {
    stopped.abort();
    await reading;
    return { reads, failures };
  };
}

/** Skips a test in a cluster, where the log makes the writer run the call again, and crash again. */
const IN_THE_LOG = { skip: singleServerOnly("a call that was appended to the log runs after the crash") };

t.test(
  "a batch in which the writer crashes is not stored, the front stays up, and the writer comes back",
  IN_THE_LOG,
  async (t) => {
    const koor = await start(t);
    t.equal((await put(koor, "before", 1)).status, 200);
    const subscriber = await openSocket(t, koor.port);
    const stops = ["/api/state/before", "/health", "/api/state"].map((path) => readAllTheTime(koor, path));
    for (let crash = 1; crash <= CRASHES; crash++) {
      const sent = await gather(koor, crash, () => [
        put(koor, `first/${crash}`, 1),
        sendJson(koor.port, "POST", "/api/events/publish", { topic: "batch", data: crash }),
        put(koor, FAULTS.crash, 1),
        put(koor, `second/${crash}`, 1),
        send(koor.port, "DELETE", "/api/state/before"),
      ]);
      t.equal(
        (await send(koor.port, "GET", `/api/state/${FAULTS.hold}`)).text,
        String(crash),
        "the previous batch is stored",
      );
      for (const answer of await Promise.all(sent)) {
        t.equal(answer.status, 503);
        t.same(answer.json<Refusal>(), { error: "the writer is restarting, try again", code: 503 });
        t.equal(answer.headers["retry-after"], "1");
      }
      const back = await putWhenBack(koor, "after", crash);
      t.match(back.json(), { version: crash }, "writes work again, and versions continue");
      t.equal(await readMetric(koor.port, "koor_writer_restarts_total"), crash);
      for (const key of [`first/${crash}`, `second/${crash}`, FAULTS.crash])
        t.equal((await send(koor.port, "GET", `/api/state/${key}`)).status, 404, key);
    }
    for (const stop of stops) {
      const { reads, failures } = await stop();
      t.same(failures, [], "every read was answered");
      t.ok(reads > 3, `${reads} reads`);
    }
    const event = (await sendJson(koor.port, "POST", "/api/events/publish", { topic: "later" })).json<ReceivedEvent>();
    t.equal(event.id, 1, "a rolled back event took no id");
    t.match(await subscriber.untilCount(1), [{ id: 1, topic: "later" }], "and no subscriber got it");
    const audit = (await send(koor.port, "GET", "/api/audit?limit=1000")).json<
      { readonly resource: string; readonly action: string }[]
    >();
    t.same([...new Set(audit.map((row) => `${row.action} ${row.resource}`))].toSorted(), [
      "state.put after",
      "state.put before",
      `state.put ${FAULTS.hold}`,
    ]);
    t.notMatch(koor.log(), /uncaught|unhandled/i);
    t.equal(await koor.stop(), 0);
  },
);

t.test("after a crash between a commit and its report the write is stored, and published to subscribers", async (t) => {
  const koor = await start(t, "--state-events");
  const subscriber = await openSocket(t, koor.port);
  t.match((await put(koor, "plain", 1)).json(), { version: 1 });
  t.same((await send(koor.port, "GET", "/api/state/plain")).json(), 1, "it is read, so that it is in the cache");

  // They are in one batch: a put of a key that is in the cache, and an event at whose push message the thread crashes.
  const lost = await gather(koor, 1, () => [
    put(koor, "plain", 2),
    sendJson(koor.port, "POST", "/api/events/publish", [
      { topic: "a", data: 1 },
      { topic: FAULTS.silent },
      { topic: "b", data: 2 },
    ]),
  ]);
  for (const request of lost)
    await t.rejects(
      request,
      { code: "ECONNRESET" },
      "the answer says neither stored nor not stored, because neither is certain",
    );
  t.same((await send(koor.port, "GET", "/api/state/plain")).json(), 2, "it was stored, and the cache agrees");
  t.match((await putWhenBack(koor, "plain", 3)).json(), { version: 3 });

  const received = await subscriber.untilCount(7);
  t.same(
    received.map((item) => ("topic" in item ? item.topic : "dropped")),
    ["koor.state.updated", "koor.state.updated", "koor.state.updated", "a", FAULTS.silent, "b", "koor.state.updated"],
    "subscribers get the events after the restart, in order",
  );
  t.same(
    received.map((item) => ("id" in item ? item.id : 0)),
    [1, 2, 3, 4, 5, 6, 7],
  );
  t.equal((await send(koor.port, "GET", "/api/metrics")).json<{ readonly last_event_id: number }>().last_event_id, 7);
  t.equal(await koor.stop(), 0);
});

t.test("after a crash readers of changes get a lagged message, and then later changes", async (t) => {
  const koor = await start(t);
  const readers = [await openChanges(t, koor.port), await openChanges(t, koor.port, "state")];
  const [lost] = await gather(koor, 1, () => [
    sendJson(koor.port, "POST", "/api/events/publish", [{ topic: "a" }, { topic: FAULTS.silent }]),
  ]);
  await t.rejects(Promise.resolve(lost), { code: "ECONNRESET" });
  for (const reader of readers) {
    const seen = await reader.until(({ kind }) => kind === "lagged");
    t.match((await putWhenBack(koor, "after", 1)).status, 200);
    await reader.until((message) => message.kind === "state" && message.key === "after", seen - 1);
  }
  t.equal(await koor.stop(), 0);
});

t.test("a shutdown while the writer is away ends the server", IN_THE_LOG, async (t) => {
  const koor = await start(t);
  t.equal((await put(koor, FAULTS.crash, 1)).status, 503);
  t.equal(await koor.stop(), 0);
  t.match(koor.log(), /msg="koor stopped"/);
  t.match(
    koor.log(),
    /level=ERROR msg="writer crashed" error=SQLITE_CORRUPT/,
    "the log has the reason why it was away",
  );
});
