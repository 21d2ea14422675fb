/**
 * Tests the calls about state and specs against a real server. clients/behaviours.json describes the expected
 * behaviour.
 */
import t from "tap";
import { behaviour } from "../../test/support/behaviours.js";
import { startKoor } from "../../test/support/server-process.js";
import { ConflictError, connect, LeasedError, NotFoundError, StaleFenceError } from "./client.js";

const { url } = await startKoor(t);
const client = connect({ url });
const { client: ana } = await client.instances.register({ name: "ana", workspace: "trucks" });
const { client: ben } = await client.instances.register({ name: "ben", workspace: "trucks" });

await behaviour(t, "state-round-trip", async (t) => {
  await client.state.set("plan", { n: 1 });
  t.match(await client.state.set("plan", { n: 2 }), { key: "plan", version: 2 });
  const got = await client.state.get<{ n: number }>("plan");
  t.same(got.value, { n: 2 });
  t.match(got, { version: 2, etag: /^"[0-9a-f]{64}"$/, content_type: "application/json" });
  t.same((await client.state.get("plan", { version: 1 })).value, { n: 1 });
  t.same(
    (await client.state.history("plan")).map(({ version }) => version),
    [2, 1],
  );
  t.same((await client.state.diff("plan", 1, 2)).diffs, [
    { operation: "replace", path: "/n", old_value: 1, new_value: 2 },
  ]);
  t.match(await client.state.rollback("plan", 1), { version: 3 });
  await client.state.delete("plan");
  await t.rejects(client.state.get("plan"), NotFoundError);
});

await behaviour(t, "state-raw-value", async (t) => {
  await client.state.set("notes.md", "# Notes", { content_type: "text/plain" });
  t.equal((await client.state.get("notes.md")).value, "# Notes");
  const bytes = new Uint8Array([0, 255, 10]);
  await client.state.set("picture", bytes);
  const got = await client.state.get("picture");
  t.match(got, { content_type: "application/octet-stream" });
  t.same([...(got.value as Uint8Array)], [...bytes]);
  await client.state.set("word", "text");
  t.equal((await client.state.get("word")).value, "text", "a string without a type is JSON");
  t.throws(() => client.state.set("word", undefined), TypeError);
});

await behaviour(t, "state-awkward-keys", async (t) => {
  const keys = ["awk/b c?d#e%f", "awk//b", "awk/./b/../c"];
  for (const key of keys) {
    await client.state.set(key, key);
    t.equal((await client.state.get(key)).value, key);
  }
  t.same((await client.state.list({ prefix: "awk/" })).map(({ key }) => key).toSorted(), keys.toSorted());
  await t.rejects(client.state.get(".."), TypeError, "a URL cannot name it");
});

await behaviour(t, "state-condition", async (t) => {
  await client.state.set("once", 1);
  const refused = await client.state.set("once", 2, { if_version: 0 }).catch((error: unknown) => error);
  t.type(refused, ConflictError);
  t.match(refused, { status: 412, body: { current_version: 1 } });
  t.match(await client.state.set("once", 2, { if_version: 1 }), { version: 2 });
});

await behaviour(t, "state-update-retries-412", async (t) => {
  const add = (by: typeof ana): Promise<unknown> => by.state.update<number>("counter", (count = 0) => count + 1);
  await Promise.all(Array.from({ length: 20 }, (_, at) => add(at % 2 === 0 ? ana : ben)));
  t.equal((await client.state.get("counter")).value, 20);
  t.equal(await client.state.update("counter", () => undefined), undefined, "undefined leaves the value");
  t.match(await client.state.get("counter"), { version: 20, value: 20 });
});

await behaviour(t, "specs-round-trip", async (t) => {
  await client.specs.set("trucks", "api/v1", { fields: ["id"] });
  t.match(await client.specs.update("trucks", "api/v1", () => ({ fields: ["id", "plate"] })), { version: 2 });
  t.same((await client.specs.get("trucks", "api/v1")).value, { fields: ["id", "plate"] });
  t.equal((await client.specs.history("trucks", "api/v1", { limit: 1 })).length, 1);
  t.match((await client.specs.diff("trucks", "api/v1", 1, 2)).diffs, [{ operation: "add", path: "/fields/1" }]);
  t.match(await client.specs.list("trucks"), [{ name: "api/v1", version: 2 }]);
  t.same(await client.specs.projects(), [{ project: "trucks", specs: 1 }]);
  await client.specs.delete("trucks", "api/v1");
  await t.rejects(client.specs.get("trucks", "api/v1"), NotFoundError);
});

await behaviour(t, "leased-write", async (t) => {
  await using held = await ana.leases.acquire("state:leased/*");
  const refused = await ben.state.set("leased/a", 1).catch((error: unknown) => error);
  t.type(refused, LeasedError);
  t.match(refused, { status: 423, body: { lease: { holder: { name: "ana" } } } });
  await ana.state.set("leased/a", 1, { fence: held.fence });
});

await behaviour(t, "stale-fence", async (t) => {
  const held = await ana.leases.acquire("deploy");
  await held.release();
  const refused = await ana.state.set("fenced", 1, { fence: held.fence }).catch((error: unknown) => error);
  t.type(refused, StaleFenceError);
  t.match(refused, { status: 412, code: 412, body: { error: "stale fence" } });
});
