/**
 * Clients that go in the middle of a request, or send it drop by drop: nothing of it is stored, nothing of
 * it stays in the server's books, and the shutdown does not wait for what is gone.
 */
import { once } from "node:events";
import t, { type Test } from "tap";
import { BODIES_IN_MEMORY_BYTES_MAX, BODY_BYTES_MAX, REQUEST_TIMEOUT_MS } from "../../schemas/limits.js";
import { dial, send, sendJson } from "../support/http-client.js";
import { countInFlight, readMetric } from "../support/metrics.js";
import { startKoor, type Koor } from "../support/server-process.js";

/** What a cut may come late, on a machine that is busy. */
const LATE_MS = 10_000;
const STOP_MS = 3_000;

/** Waits until so many requests are in flight beside the one that asks. */
async function untilInFlight(koor: Koor, count: number): Promise<void> {
  while ((await countInFlight(koor.port)) !== count);
}

async function checkNothingStored(t: Test, koor: Koor): Promise<void> {
  t.equal((await send(koor.port, "GET", "/api/state")).text, "[]");
  t.equal((await send(koor.port, "GET", "/api/events/history")).text, "[]");
  t.equal((await send(koor.port, "GET", "/api/audit")).text, "[]");
  t.equal(await readMetric(koor.port, "koor_writer_in_flight"), 0);
}

function head(method: string, path: string, ...headers: string[]): string {
  return [`${method} ${path} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

/** Requests that are cut off where they end here; `waits` where the server knows of a request by then. */
const CUT: readonly (readonly [what: string, waits: boolean, text: string])[] = [
  ["nothing at all", false, ""],
  ["half a head", false, "PUT /api/state/k HTTP/1.1\r\nHost: loc"],
  ["a head without its body", true, head("PUT", "/api/state/k", "Content-Length: 10")],
  ["half a body", true, `${head("PUT", "/api/state/k", "Content-Length: 1000")}{"half":`],
  ["all but the last byte", true, `${head("PUT", "/api/state/k", "Content-Length: 10")}123456789`],
  ["a chunked body without its end", true, `${head("PUT", "/api/state/k", "Transfer-Encoding: chunked")}4\r\n1234\r\n`],
  ["half a chunk", true, `${head("PUT", "/api/state/k", "Transfer-Encoding: chunked")}40\r\n1234`],
  ["half an event", true, `${head("POST", "/api/events/publish", "Content-Length: 100")}{"topic":"t"}`],
  ["a body that is too large", true, `${head("PUT", "/api/state/k", `Content-Length: ${BODY_BYTES_MAX + 1}`)}1234`],
  ["a body that waits for a go-ahead", true, head("PUT", "/api/state/k", "Content-Length: 10", "Expect: 100-continue")],
];

t.test("clients that go in the middle of a request", async (t) => {
  const koor = await startKoor(t);
  for (const [what, waits, text] of CUT) {
    for (const end of ["reset", "end"] as const) {
      const sockets = await Promise.all(Array.from({ length: 5 }, () => dial(t, koor.port)));
      for (const socket of sockets) if (text !== "") socket.write(text);
      await untilInFlight(koor, waits ? sockets.length : 0);
      for (const socket of sockets) {
        if (end === "reset") socket.resetAndDestroy();
        else socket.destroy();
      }
      await untilInFlight(koor, 0);
      t.pass(`${what}, ${end}: nothing is left in flight`);
    }
  }
  await checkNothingStored(t, koor);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/k", "1")).status, 200);
  const from_ms = performance.now();
  t.equal(await koor.stop(), 0);
  t.ok(performance.now() - from_ms < STOP_MS, "the shutdown waits for nobody");
});

t.test("what was reserved for bodies that never came whole is given back", async (t) => {
  const koor = await startKoor(t);
  const part = Buffer.alloc(BODY_BYTES_MAX - 1, "x");
  const rounds = Math.ceil((1.5 * BODIES_IN_MEMORY_BYTES_MAX) / part.byteLength);
  for (let round = 0; round < rounds; round++) {
    const socket = await dial(t, koor.port);
    socket.write(head("PUT", "/api/state/k", `Content-Length: ${BODY_BYTES_MAX}`));
    // Taken by the system: the server has all but what its socket's buffer holds.
    await new Promise((resolve) => socket.write(part, resolve));
    await untilInFlight(koor, 1);
    socket.resetAndDestroy();
    await untilInFlight(koor, 0);
  }
  await checkNothingStored(t, koor);
  t.equal(
    (await send(koor.port, "PUT", "/api/state/k", { body: Buffer.alloc(BODY_BYTES_MAX, "x") })).status,
    200,
    `after ${rounds} bodies`,
  );
  t.equal(await koor.stop(), 0);
});

t.test("a client that goes before it is answered", async (t) => {
  const koor = await startKoor(t);
  const polls = await Promise.all(Array.from({ length: 5 }, () => dial(t, koor.port)));
  for (const socket of polls) socket.write(head("GET", "/api/events/history?after=0&wait=60"));
  await untilInFlight(koor, polls.length);
  t.equal(await readMetric(koor.port, "koor_subscribers"), polls.length);
  for (const socket of polls) socket.destroy();
  await untilInFlight(koor, 0);
  t.equal(await readMetric(koor.port, "koor_subscribers"), 0, "nobody waits for them any more");

  const writers = await Promise.all(Array.from({ length: 20 }, () => dial(t, koor.port)));
  writers.forEach((socket, at) => {
    socket.write(`${head("PUT", `/api/state/gone/${at}`, "Content-Length: 1")}1`, () => socket.destroy());
  });
  await Promise.all(writers.map((socket) => once(socket, "close")));
  // On a busy machine some of them come to the server only now: what became of all is sure after its end.
  t.equal(await koor.stop(), 0);
  const next = await startKoor(t, { data_dir: koor.data_dir });
  const keys = (await send(next.port, "GET", "/api/state?prefix=gone/")).json<{ readonly version: number }[]>();
  const audit = (await send(next.port, "GET", "/api/audit")).json<unknown[]>();
  t.equal(keys.length, audit.length, `${keys.length} were stored, each whole`);
});

t.test("a request that comes drop by drop is cut", async (t) => {
  const koor = await startKoor(t);
  const drops: readonly (readonly [first: string, drop: string])[] = [
    [`${head("PUT", "/api/state/k", "Content-Length: 100000")}x`, "x"],
    [head("PUT", "/api/state/k", "Transfer-Encoding: chunked"), "1\r\nx\r\n"],
    [`${head("PUT", "/api/state/k", "Content-Length: 10000000")}x`, "x".repeat(20_000)],
    [`${head("PUT", "/api/state/k", "Content-Length: 1000")}x`, ""],
    ["GET /api/state HTTP/1.1\r\nHost: localhost\r\n", "X-Drop: 1\r\n"],
  ];
  const from_ms = performance.now();
  const cuts = drops.map(async ([first, drop]) => {
    const socket = await dial(t, koor.port);
    socket.write(first);
    const dripping = setInterval(() => socket.write(drop), 250);
    socket.resume();
    await once(socket, "close");
    clearInterval(dripping);
    return performance.now() - from_ms;
  });
  while ((await countInFlight(koor.port)) + 1 < drops.length);
  t.equal((await send(koor.port, "GET", "/health")).status, 200, "meanwhile others are served");
  for (const took_ms of await Promise.all(cuts))
    t.ok(took_ms > REQUEST_TIMEOUT_MS / 2 && took_ms < REQUEST_TIMEOUT_MS + LATE_MS, `after ${Math.round(took_ms)} ms`);
  await untilInFlight(koor, 0);
  await checkNothingStored(t, koor);
  t.equal(await koor.stop(), 0);
});
