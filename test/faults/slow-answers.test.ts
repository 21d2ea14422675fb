/**
 * Tests clients that ask for long values and do not read the answers, and subscribers that do not read long events:
 * what waits for them is bounded, and other clients are served. Against a real server.
 */
import { once } from "node:events";
import { connect } from "node:net";
import t, { type Test } from "tap";
import { ANSWERS_IN_MEMORY_BYTES_MAX } from "../../schemas/limits/answers.js";
import { SOCKET_BUFFERS_BYTES_MAX } from "../../schemas/limits/events.js";
import { must } from "../../src/base/assert.js";
import { parseExposition } from "../support/exposition.js";
import { send, sendJson } from "../support/http-client.js";
import { startKoor } from "../support/server-process.js";

const MIB = 2 ** 20;
const VALUE = "x".repeat(9 * MIB);
/** The program, bodies in flight, and memory that V8 has not returned yet. */
const BESIDE_BYTES = 450 * MIB;

async function residentBytes(port: number): Promise<number> {
  const families = parseExposition((await send(port, "GET", "/metrics")).text);
  return must(families.get("process_resident_memory_bytes")?.samples[0]?.value, "it is exposed");
}

/** Sends a request, and reads only the beginning of the answer: its status. */
async function askAndStall(t: Test, port: number, path: string, headers = ""): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  t.teardown(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`);
  await once(socket, "readable");
  const head = must(socket.read(12) as Buffer | null, "an answer begins").toString("latin1");
  return Number(head.slice(9));
}

t.test("answers that are not read take bounded memory", async (t) => {
  const { port } = await startKoor(t);
  await send(port, "PUT", "/api/state/long", { body: VALUE });
  await send(port, "PUT", "/api/state/short", { body: "1" });
  const statuses: number[] = [];
  for (let at = 0; at < 60; at++) statuses.push(await askAndStall(t, port, "/api/state/long"));
  const served = statuses.filter((status) => status === 200).length;
  t.ok(served >= Math.floor(ANSWERS_IN_MEMORY_BYTES_MAX / VALUE.length), `${served} are being answered`);
  t.ok(statuses.includes(503), "then there is no room for more");
  t.same(
    [...new Set(statuses)].toSorted((a, b) => a - b),
    [200, 503],
  );
  t.equal((await send(port, "GET", "/api/state/short")).status, 200, "a short answer needs no room");
  t.equal((await sendJson(port, "PUT", "/api/state/other", {})).status, 200);
  const resident = await residentBytes(port);
  t.ok(resident < ANSWERS_IN_MEMORY_BYTES_MAX + BESIDE_BYTES, `${Math.round(resident / MIB)} MiB`);
});

t.test("long events that are not read take bounded memory", async (t) => {
  const { port } = await startKoor(t);
  const upgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Version: 13\r\n";
  for (let at = 0; at < 40; at++) {
    t.equal(await askAndStall(t, port, "/api/events/subscribe", upgrade), 101);
    t.equal(await askAndStall(t, port, "/api/events/stream"), 200);
  }
  for (let at = 0; at < 4; at++)
    t.equal((await sendJson(port, "POST", "/api/events/publish", { topic: "a", data: VALUE })).status, 200);
  const resident = await residentBytes(port);
  t.ok(resident < SOCKET_BUFFERS_BYTES_MAX + BESIDE_BYTES, `${Math.round(resident / MIB)} MiB`);
});
