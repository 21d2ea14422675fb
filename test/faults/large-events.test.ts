/**
 * Tests large events and many subscribers: what is kept for subscribers that do not read is bounded, those that read
 * get every event whole and in order, and other clients are served meanwhile. Against a real server.
 */
import t, { type Test } from "tap";
import { SOCKET_BUFFERS_BYTES_MAX } from "../../schemas/limits/events.js";
import { must } from "../../src/base/assert.js";
import { parseExposition } from "../support/exposition.js";
import { send, sendJson } from "../support/http-client.js";
import { startKoor } from "../support/server-process.js";
import { openSocket, type Socket } from "../support/subscriber.js";

const MIB = 2 ** 20;
const LARGE = "ä".repeat(1_000_000);
const READERS = 12;
/** Node holds a whole event for each subscriber, and cuts one that is given more than all together may hold. */
const SILENT = { uws: 120, node: 40 } as const;
/** Events in flight, and memory that V8 has not returned yet. */
const BESIDE_BYTES = 150 * MIB;

async function residentBytes(port: number): Promise<number> {
  const families = parseExposition((await send(port, "GET", "/metrics")).text);
  return must(families.get("process_resident_memory_bytes")?.samples[0]?.value, "it is exposed");
}

async function publish(t: Test, port: number, data: unknown): Promise<void> {
  t.equal((await sendJson(port, "POST", "/api/events/publish", { topic: "a", data })).status, 200);
}

async function openAll(t: Test, port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at++) sockets.push(await openSocket(t, port));
  return sockets;
}

t.test("a subscriber that reads gets events of all sizes whole and in order", async (t) => {
  const { port } = await startKoor(t);
  const readers = await openAll(t, port, READERS);
  // An event of 100 000 characters is sent in one piece, to one socket after another.
  const sent = ["first", LARGE, "between", "x".repeat(100_000), `${LARGE}last`, 42, LARGE, "end"];
  for (const data of sent) await publish(t, port, data);
  const late = await openSocket(t, port, "since=0");
  for (const reader of [...readers, late]) {
    const received = await reader.untilId(sent.length);
    t.ok(
      received.length === sent.length && received.every((item, at) => "id" in item && item.data === sent[at]),
      `${received.length} events`,
    );
  }
});

t.test("what is kept for many subscribers that do not read is bounded, and a reading one misses nothing", async (t) => {
  const { port, transport } = await startKoor(t);
  const silent = await openAll(t, port, SILENT[transport]);
  for (const { socket } of silent) socket.pause();
  const reader = await openSocket(t, port);
  const before = await residentBytes(port);
  const data = "x".repeat(5_000_000);
  for (let at = 1; at <= 3; at++) {
    await publish(t, port, data);
    t.equal((await send(port, "GET", "/health")).status, 200);
    const received = await reader.untilId(at);
    t.equal(received.length, at);
  }
  const grown = (await residentBytes(port)) - before;
  t.ok(grown < SOCKET_BUFFERS_BYTES_MAX + BESIDE_BYTES, `${Math.round(grown / MIB)} MiB more`);
});
