/**
 * Tests clients that disconnect in the middle of a request, or send it slowly: nothing of it is stored, no reservation
 * of it stays in the server, and the shutdown does not wait for it. Clients that are refused in the middle of a request
 * can read why, and are cut if they continue to send.
 */
import t, { type Test } from "tap";
import { REQUEST_TIMEOUT_MS } from "../../schemas/limits/connections.js";
import {
  BODIES_IN_MEMORY_BYTES_MAX,
  BODY_BYTES_MAX,
  REFUSED_BODY_BYTES_MAX,
  REFUSED_LINGER_BYTES_MAX,
  REFUSED_LINGER_MS,
} from "../../schemas/limits/request-bodies.js";
import { closeOf, dial, send, sendJson } from "../support/http-client.js";
import { countInFlight, readMetric } from "../support/metrics.js";
import { resetNow } from "../support/reset.js";
import { RESTORE_REFUSED } from "../support/variant.js";
import { startKoor, type Koor, type Owner } from "../support/server-process.js";
import { betweenLooks } from "../support/between-looks.js";

/** How late a cut may come on a busy machine. */
const LATE_MS = 10_000;
const STOP_MS = 3_000;

/** Waits until this number of requests is in flight, beside the one that asks. */
async function untilInFlight(koor: Koor, count: number): Promise<void> {
  while ((await countInFlight(koor.port)) !== count) await betweenLooks();
}

async function checkNothingStored(t: Test, koor: Koor): Promise<void> {
  t.equal((await send(koor.port, "GET", "/api/state")).text, "[]\n");
  t.equal((await send(koor.port, "GET", "/api/events/history")).text, "[]\n");
  t.equal((await send(koor.port, "GET", "/api/audit")).text, "[]\n");
  t.equal(await readMetric(koor.port, "koor_writer_in_flight"), 0);
}

function head(method: string, path: string, ...headers: string[]): string {
  return [`${method} ${path} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

/** Requests that are cut off where they end here; `waits` where the server knows of the request by then. */
const CUT: readonly (readonly [what: string, waits: boolean, text: string])[] = [
  ["nothing at all", false, ""],
  ["half a head", false, "PUT /api/state/k HTTP/1.1\r\nHost: loc"],
  ["a head without its body", true, head("PUT", "/api/state/k", "Content-Length: 10")],
  ["half a body", true, `${head("PUT", "/api/state/k", "Content-Length: 1000")}{"half":`],
  ["all but the last byte", true, `${head("PUT", "/api/state/k", "Content-Length: 10")}123456789`],
  ["a chunked body without its end", true, `${head("PUT", "/api/state/k", "Transfer-Encoding: chunked")}4\r\n1234\r\n`],
  ["half a chunk", true, `${head("PUT", "/api/state/k", "Transfer-Encoding: chunked")}40\r\n1234`],
  ["half an event", true, `${head("POST", "/api/events/publish", "Content-Length: 100")}{"topic":"t"}`],
  ["a body that waits for a go-ahead", true, head("PUT", "/api/state/k", "Content-Length: 10", "Expect: 100-continue")],
];

t.test("a client that disconnects in the middle of a request leaves nothing", async (t) => {
  const koor = await startKoor(t);
  for (const [what, waits, text] of CUT) {
    for (const end of ["reset", "end"] as const) {
      const sockets = await Promise.all(Array.from({ length: 5 }, () => dial(t, koor.port)));
      for (const socket of sockets) if (text !== "") socket.write(text);
      await untilInFlight(koor, waits ? sockets.length : 0);
      for (const socket of sockets) {
        if (end === "reset") resetNow(socket);
        else socket.destroy();
      }
      await untilInFlight(koor, 0);
      t.pass(`${what}, ${end}: nothing is left in flight`);
    }
  }
  await checkNothingStored(t, koor);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/k", "1")).status, 200);
  const fromMs = performance.now();
  t.equal(await koor.stop(), 0);
  t.ok(performance.now() - fromMs < STOP_MS, "the shutdown does not wait");
});

t.test("bytes that were reserved for bodies are released when the rest never comes", async (t) => {
  const koor = await startKoor(t);
  const part = Buffer.alloc(BODY_BYTES_MAX - 1, "x");
  const rounds = Math.ceil((1.5 * BODIES_IN_MEMORY_BYTES_MAX) / part.byteLength);
  for (let round = 0; round < rounds; round++) {
    const socket = await dial(t, koor.port);
    socket.write(head("PUT", "/api/state/k", `Content-Length: ${BODY_BYTES_MAX}`));
    // The system has accepted it: the server has everything but what its socket's buffer holds.
    await new Promise((resolve) => socket.write(part, resolve));
    await untilInFlight(koor, 1);
    resetNow(socket);
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

t.test("a client that disconnects before its answer leaves nothing in flight", async (t) => {
  const koor = await startKoor(t);
  const polls = await Promise.all(Array.from({ length: 5 }, () => dial(t, koor.port)));
  for (const socket of polls) socket.write(head("GET", "/api/events/history?after=0&wait=60"));
  await untilInFlight(koor, polls.length);
  t.equal(await readMetric(koor.port, "koor_subscribers"), polls.length);
  for (const socket of polls) socket.destroy();
  await untilInFlight(koor, 0);
  t.equal(await readMetric(koor.port, "koor_subscribers"), 0, "no request waits any more");

  const writers = await Promise.all(Array.from({ length: 20 }, () => dial(t, koor.port)));
  writers.forEach((socket, at) => {
    socket.write(`${head("PUT", `/api/state/gone/${at}`, "Content-Length: 1")}1`, () => socket.destroy());
  });
  await Promise.all(writers.map(closeOf));
  // On a busy machine some of them reach the server only now: the result is certain after its end.
  t.equal(await koor.stop(), 0);
  const next = await startKoor(t, { data_dir: koor.data_dir });
  const keys = (await send(next.port, "GET", "/api/state?prefix=gone/")).json<{ readonly version: number }[]>();
  const audit = (await send(next.port, "GET", "/api/audit")).json<unknown[]>();
  t.equal(keys.length, audit.length, `${keys.length} were stored, each whole`);
});

t.test("a request that is sent slowly is cut", async (t) => {
  const koor = await startKoor(t);
  const drops: readonly (readonly [first: string, drop: string])[] = [
    [`${head("PUT", "/api/state/k", "Content-Length: 100000")}x`, "x"],
    [head("PUT", "/api/state/k", "Transfer-Encoding: chunked"), "1\r\nx\r\n"],
    [`${head("PUT", "/api/state/k", "Content-Length: 10000000")}x`, "x".repeat(20_000)],
    [`${head("PUT", "/api/state/k", "Content-Length: 1000")}x`, ""],
    ["GET /api/state HTTP/1.1\r\nHost: localhost\r\n", "X-Drop: 1\r\n"],
    // Nothing of the body comes, or the body never ends.
    [head("PUT", "/api/state/k", "Content-Length: 1000"), ""],
    [head("PUT", "/api/state/k", "Transfer-Encoding: chunked"), ""],
    [head("POST", "/api/events/publish", "Content-Length: 1000"), ""],
    [head("POST", "/mcp", "Content-Length: 1000"), "x"],
    // The path of this request does not exist.
    [head("GET", "/api/state", "Content-Length: 1000"), "x"],
    [head("GET", "/api/state", "Content-Length: 1000"), ""],
    [head("GET", "/nowhere", "Transfer-Encoding: chunked"), "1\r\nx\r\n"],
    [head("HEAD", "/api/state", "Content-Length: 1000"), "x"],
    [head("POST", "/api/instances/nobody/heartbeat", "Content-Length: 1000"), "x"],
    ["", ""],
  ];
  const isAskedFor = (first: string): boolean => !/^(?:GET|HEAD) .*\r\n\r\n$/s.test(first);
  const fromMs = performance.now();
  const cuts = drops.map(async ([first, drop]) => {
    const socket = await dial(t, koor.port);
    socket.write(first);
    const dripping = setInterval(() => socket.write(drop), 250);
    let answer = "";
    socket.on("data", (data: Buffer) => {
      answer += data.toString("latin1");
    });
    await closeOf(socket);
    clearInterval(dripping);
    const tookMs = performance.now() - fromMs;
    // The library cuts slow connections by a time limit of its own, without an answer.
    if (koor.transport === "node" && first.startsWith("PUT ")) t.match(answer, /^HTTP\/1\.1 408 /, first);
    if (answer.includes(" 408 ")) t.match(answer, /\r\nConnection: close\r\n/, first);
    return { tookMs, first };
  });
  while ((await countInFlight(koor.port)) < 4) await betweenLooks();
  t.equal((await send(koor.port, "GET", "/health")).status, 200, "other clients are served meanwhile");
  for (const { tookMs, first } of await Promise.all(cuts)) {
    const what = `after ${Math.round(tookMs)} ms: ${first}`;
    t.ok(tookMs < REQUEST_TIMEOUT_MS + LATE_MS, what);
    // A request for an unknown path may be answered at once.
    if (isAskedFor(first)) t.ok(tookMs > REQUEST_TIMEOUT_MS / 2, what);
  }
  await untilInFlight(koor, 0);
  await checkNothingStored(t, koor);
  t.equal(await koor.stop(), 0);
});

const GIB = 1024 ** 3;
const PIECE = Buffer.alloc(1024 ** 2, "x");

interface Upload {
  readonly request: string;
  /** The largest number of body bytes. */
  readonly bytes: number;
  readonly chunked?: true;
  /** The client reads nothing before it has sent everything. */
  readonly readsLast?: true;
}

/** Sends as fast as the socket takes it until the answer is whole; returns the answer's text. */
async function upload(t: Owner, port: number, { request, bytes, chunked, readsLast }: Upload): Promise<string> {
  const socket = await dial(t, port);
  let answer = "";
  const answered = new Promise<void>((resolve) => {
    socket.on("close", resolve);
    socket.on("data", (data: Buffer) => {
      answer += data.toString("latin1");
      const at = answer.indexOf("\r\n\r\n");
      const length = Number(/\r\nContent-Length: (\d+)\r\n/.exec(answer)?.[1] ?? Infinity);
      if (at > 0 && answer.length >= at + 4 + length) socket.destroy();
    });
  });
  if (readsLast === true) socket.pause();
  socket.write(request);
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += PIECE.byteLength) {
    const piece = PIECE.subarray(0, bytes - sent);
    if (chunked === true) socket.write(`${piece.byteLength.toString(16)}\r\n`);
    const taken = socket.write(piece);
    if (chunked === true) socket.write("\r\n");
    if (!taken) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), answered]);
  }
  socket.resume();
  await answered;
  return answer;
}

t.test("a client that is refused while it still sends can read why", { skip: RESTORE_REFUSED }, async (t) => {
  const koor = await startKoor(t);
  const long = `Content-Length: ${GIB}`;
  const chunked = "Transfer-Encoding: chunked";
  const fits = REFUSED_BODY_BYTES_MAX;
  const uploads: readonly (readonly [what: string, status: number, upload: Upload])[] = [
    ["too large by its length", 413, { request: head("PUT", "/api/state/k", long), bytes: GIB }],
    ["too large as it comes", 413, { request: head("PUT", "/api/state/k", chunked), bytes: GIB, chunked: true }],
    ["no snapshot", 400, { request: head("POST", "/api/restore", long), bytes: GIB }],
    [
      "read last",
      413,
      { request: head("PUT", "/api/state/k", `Content-Length: ${fits + 1}`), bytes: fits + 1, readsLast: true },
    ],
  ];
  for (const [what, status, each] of uploads) {
    for (let round = 0; round < 5; round++) {
      const answer = await upload(t, koor.port, each);
      t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), `${what}: the answer has the status`);
      t.match(answer, /\r\nConnection: close\r\n/, `${what}: the connection ends after the answer`);
      t.match(
        JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))),
        { code: status, error: String },
        `${what}: the body is whole`,
      );
    }
  }
  await untilInFlight(koor, 0);
  t.equal((await send(koor.port, "GET", "/api/state")).text, "[]\n");
  t.equal(await koor.stop(), 0);
});

t.test("a client that continues after its refusal is cut, by its bytes and by the time", async (t) => {
  const koor = await startKoor(t);
  const long = head("PUT", "/api/state/k", `Content-Length: ${1000 * GIB}`);
  const slow = await dial(t, koor.port);
  const fast = await dial(t, koor.port);
  const fromMs = performance.now();
  let taken = 0;
  slow.write(long);
  const dripping = setInterval(() => slow.write("x"), 100);
  fast.write(long);
  const push = (): void => {
    if (!fast.destroyed)
      fast.write(PIECE, (error) => {
        if (error) return;
        taken += PIECE.byteLength;
        push();
      });
  };
  push();
  await untilInFlight(koor, 2);
  await Promise.all(
    [slow, fast].map((socket) => {
      socket.resume();
      return closeOf(socket);
    }),
  );
  clearInterval(dripping);
  const tookMs = performance.now() - fromMs;
  t.ok(
    tookMs > REFUSED_LINGER_MS / 2 && tookMs < REFUSED_LINGER_MS + LATE_MS,
    `it was cut after ${Math.round(tookMs)} ms`,
  );
  // The bytes beyond the bound are in the system's buffers.
  t.ok(taken < 2 * REFUSED_LINGER_BYTES_MAX, `${taken} bytes were taken`);
  await untilInFlight(koor, 0);

  const last = await dial(t, koor.port);
  last.write(long);
  await untilInFlight(koor, 1);
  const stoppedMs = performance.now();
  t.equal(await koor.stop(), 0);
  t.ok(performance.now() - stoppedMs < REFUSED_LINGER_MS + STOP_MS, "the shutdown no longer waits for it");
});
