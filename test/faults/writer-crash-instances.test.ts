/**
 * Tests counts and heartbeats when the writer thread crashes. Each count is stored once, whether its flush was lost
 * before or after it ran. No instance is forgotten, and a registration or deletion without an answer is known after the
 * restart as the database has it.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { fileURLToPath } from "node:url";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { gather } from "../support/held-writer.js";
import { send, sendJson, type Answer } from "../support/http-client.js";
import { singleServerOnly } from "../support/variant.js";
import { startKoor, type Koor } from "../support/server-process.js";
import { FAULTS } from "../threads/faults.js";
import { betweenLooks } from "../support/between-looks.js";

const PROGRAM = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));
const as = (id: string): OutgoingHttpHeaders => ({ "X-Koor-Instance": id });

async function untilBack(koor: Koor): Promise<void> {
  while ((await sendJson(koor.port, "PUT", "/api/state/back", 1)).status !== 200) await betweenLooks();
}

const register = async (koor: Koor): Promise<string> =>
  (await sendJson(koor.port, "POST", "/api/instances/register", { name: "a" })).json<{ readonly id: string }>().id;
const readAgents = (koor: Koor): Promise<Answer> => send(koor.port, "GET", "/api/metrics/agents");
const callsOf = async (koor: Koor, id: string): Promise<number | undefined> =>
  (await readAgents(koor))
    .json<{ readonly instance_id: string; readonly metrics: Readonly<Record<string, number>> }[]>()
    .find(({ instance_id }) => instance_id === id)?.metrics["rest_calls"];

/** Skips a test in a cluster, where the log makes the writer run the call again, and crash again. */
const IN_THE_LOG = { skip: singleServerOnly("a call that was appended to the log runs after the crash") };

t.test("a flush that is lost before it ran is sent again", IN_THE_LOG, async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true });
  const id = await register(koor);
  for (let at = 0; at < 5; at++) await send(koor.port, "GET", "/api/state", { headers: as(id) });
  // The read flushes first: its flush is in the batch that crashes.
  const [agents, crash] = await gather(koor, 1, () => [
    readAgents(koor),
    sendJson(koor.port, "PUT", `/api/state/${FAULTS.crash}`, 1),
  ]);
  t.equal((await crash)?.status, 503);
  t.equal((await agents)?.status, 200, "reads are answered");
  await untilBack(koor);
  t.equal(await callsOf(koor, id), 5);
  t.equal(await koor.stop(), 0);
  const again = await startKoor(t, { data_dir: koor.data_dir });
  t.equal(await callsOf(again, id), 5);
});

t.test("a flush that ran but was not acknowledged is sent again, and counts once", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true });
  const id = await register(koor);
  for (let at = 0; at < 5; at++) await send(koor.port, "GET", "/api/state", { headers: as(id) });
  const [agents, silent] = await gather(koor, 1, () => [
    readAgents(koor),
    sendJson(koor.port, "POST", "/api/events/publish", { topic: FAULTS.silent }),
  ]);
  await t.rejects(must(silent, "two calls were made"), { code: "ECONNRESET" });
  t.equal((await agents)?.status, 200);
  await untilBack(koor);
  await send(koor.port, "GET", "/api/state", { headers: as(id) });
  t.equal(await callsOf(koor, id), 6, "five were stored once, and one came after");
});

t.test("a registration or deletion without an answer is known as the database has it", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true });
  const [stays, goes] = [await register(koor), await register(koor)];
  await send(koor.port, "POST", `/api/instances/${stays}/activate`);
  const lost = await gather(koor, 1, () => [
    sendJson(koor.port, "POST", "/api/instances/register", { name: "unheard" }),
    send(koor.port, "DELETE", `/api/instances/${goes}`),
    sendJson(koor.port, "POST", `/api/instances/${stays}/intent`, { intent: "unheard" }),
    sendJson(koor.port, "POST", "/api/events/publish", { topic: FAULTS.silent }),
  ]);
  for (const request of lost) await t.rejects(request, { code: "ECONNRESET" });
  await send(koor.port, "POST", `/api/instances/${stays}/heartbeat`);
  const seen = (await send(koor.port, "GET", `/api/instances/${stays}`)).json<{ readonly last_seen: string }>()
    .last_seen;
  await untilBack(koor);
  const list = async (
    server: Koor,
  ): Promise<
    readonly {
      readonly id: string;
      readonly name: string;
      readonly intent: string;
      readonly status: string;
      readonly last_seen: string;
    }[]
  > => (await send(server.port, "GET", "/api/instances")).json();
  const known = await list(koor);
  t.same(
    known.map(({ name, intent, status }) => [name, intent, status]),
    [
      ["a", "unheard", "active"],
      ["unheard", "", "pending"],
    ],
  );
  t.equal((await send(koor.port, "GET", `/api/instances/${goes}`)).status, 404);
  t.equal(known[0]?.last_seen, seen, "a heartbeat that was in memory only is not forgotten");
  t.equal(await koor.stop(), 0);
  t.same(await list(await startKoor(t, { data_dir: koor.data_dir })), known, "and is stored");
});

t.test("heartbeats and checks are answered while the writer is away", IN_THE_LOG, async (t) => {
  const koor = await startKoor(t, { program: PROGRAM, ownReadsOnly: true, args: ["--stale-after", "1ms"] });
  const id = await register(koor);
  await send(koor.port, "POST", `/api/instances/${id}/activate`);
  while ((await send(koor.port, "POST", "/api/liveness/check")).json<{ readonly count: number }>().count === 0)
    await betweenLooks();
  const sent = await gather(koor, 1, () => [sendJson(koor.port, "PUT", `/api/state/${FAULTS.crash}`, 1)]);
  t.equal((await sent[0])?.status, 503);
  t.same(
    (await send(koor.port, "POST", `/api/instances/${id}/heartbeat`)).json(),
    { id, status: "ok" },
    "a heartbeat needs no writer",
  );
  const check = await send(koor.port, "POST", "/api/liveness/check");
  t.ok([200, 503].includes(check.status), `a check says ${check.status}`);
  await untilBack(koor);
  await send(koor.port, "POST", `/api/instances/${id}/heartbeat`);
  while ((await send(koor.port, "POST", "/api/liveness/check")).json<{ readonly count: number }>().count === 0)
    await betweenLooks();
  t.equal(await koor.stop(), 0);
});
