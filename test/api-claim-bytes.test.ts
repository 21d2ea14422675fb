/**
 * Tests the bounds of leases and tasks in memory, against a real server: a request beyond the bound is refused, and
 * stored claims load.
 */
import t from "tap";
import { LEASES_OF_HOLDER_BYTES_MAX } from "../schemas/limits/leases.js";
import { TASKS_CREATED_MAX } from "../schemas/limits/tasks.js";
import { send, sendJson } from "./support/http-client.js";
import { Agent } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

const ALTERNATIVES = Array.from({ length: 64 }, (_, at) => at).join(",");

/** The largest possible resources: 256 globs of 140 segments each. */
function largeResources(at: number): string[] {
  return Array.from({ length: 4 }, (_, one) => `path:${at}/${one}/{${ALTERNATIVES}}${"/a".repeat(140)}`);
}

t.test("leases of the largest size are refused beyond the bound", async (t) => {
  const { port } = await startKoor(t);
  const [ana, bob] = [await Agent.register(port, "ana"), await Agent.register(port, "bob")];
  let made = 0;
  let refused = await ana.tryLease(largeResources(made));
  while (refused.status === 200 && made < 200) refused = await ana.tryLease(largeResources(++made));
  t.ok(made >= 4, `${made} are held`);
  t.equal(refused.status, 429, "then there is no room");
  t.match(refused.json(), { error: `leases of ana take ${LEASES_OF_HOLDER_BYTES_MAX} bytes of memory` });
  t.ok(Number(refused.headers["retry-after"]) > 0);
  const other = await bob.lease(largeResources(1_000));
  t.match(other, { state: "held" }, "another instance has its own limit");
  await ana.ask("DELETE", "/api/leases/lease-1?fence=1");
  t.equal((await ana.tryLease(largeResources(2_000))).status, 200, "a release makes room");
});

t.test("tasks of the largest size are refused beyond the bound, and a server starts with all of them", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  const small = await sendJson(koor.port, "POST", "/api/tasks", { title: "small" });
  t.equal(small.status, 200);
  let made = 0;
  for (;;) {
    const tasks = Array.from({ length: 10 }, (_, at) => ({ title: "t", resources: largeResources(made + at) }));
    const answer = await sendJson(koor.port, "POST", "/api/tasks", tasks);
    if (answer.status !== 200) {
      t.equal(answer.status, 429, "an array is stored whole or not at all");
      t.match(answer.json(), { error: /^tasks that have not ended take \d+ bytes of memory$/ });
      break;
    }
    made += 10;
    if (made >= TASKS_CREATED_MAX) t.fail("no bound was reached");
  }
  t.ok(made >= 50, `${made} were made`);
  t.equal(await koor.stop(), 0);
  const again = await startKoor(t, { data_dir: dataDir });
  t.equal((await sendJson(again.port, "POST", "/api/events/publish", { topic: "a" })).status, 200, "writes are taken");
  const full = await sendJson(again.port, "POST", "/api/tasks", [
    ...Array.from({ length: 10 }, (_, at) => ({ title: "t", resources: largeResources(at) })),
  ]);
  t.equal(full.status, 429, "stored tasks count");
  const { id } = small.json<{ readonly id: string }>();
  const long = "x".repeat(500);
  t.equal((await send(again.port, "GET", `/api/tasks/${id}`)).status, 200);
  t.equal(
    (await sendJson(again.port, "PATCH", `/api/tasks/${id}`, { title: long })).status,
    200,
    "a text that fits is accepted",
  );
});
