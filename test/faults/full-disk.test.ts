/**
 * Tests a disk that takes no more writes: each refused write is a 507 and stores nothing, the server stays up and
 * answers reads, and when there is room again writes work. There are two disks: a limit on the size of the server's
 * files, which any user may set, and a small file system of its own where the system allows one.
 */
import { spawnSync } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { send, sendJson, type Answer, type Refusal } from "../support/http-client.js";
import { singleServerOnly } from "../support/variant.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";
import { openSocket, type ReceivedEvent } from "../support/subscriber.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";

const MIB = 1024 * 1024;
/** How much the files of the first disk may grow; the size of the second disk, and of what is removed to make room. */
const ROOM_BYTES = 2 * MIB;
const FILE_SYSTEM_BYTES = 8 * MIB;
const BALLAST_BYTES = 4 * MIB;
const BALLAST = "ballast";
const LARGE = Buffer.alloc(100_000, "x");
const REFUSAL: Refusal = { error: "the disk takes no more writes: nothing was stored", code: 507 };

function put(koor: Koor, key: string, body: string | Uint8Array): Promise<Answer> {
  return send(koor.port, "PUT", `/api/state/${key}`, { body });
}

function publish(koor: Koor, data: unknown): Promise<Answer> {
  return sendJson(koor.port, "POST", "/api/events/publish", { topic: "t", data });
}

function reset(koor: Koor): Promise<Answer> {
  return send(koor.port, "POST", "/api/metrics/reset");
}

/** Writes until not even the smallest write fits. Returns the keys that were stored, and the number of events. */
async function fill(
  koor: Koor,
): Promise<{ readonly stored: ReadonlyMap<string, string | Uint8Array>; readonly events: number }> {
  const stored = new Map<string, string | Uint8Array>();
  for (const [kind, body] of [
    ["large", LARGE],
    ["small", '"small"'],
  ] as const) {
    for (let at = 0; (await put(koor, `${kind}/${at}`, body)).status === 200; at++) stored.set(`${kind}/${at}`, body);
  }
  let events = 0;
  while ((await publish(koor, "filler")).status === 200) events += 1;
  while ((await reset(koor)).status === 200);
  return { stored, events };
}

async function checkFull(t: Test, koor: Koor, makeRoom: () => void): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const { port } = koor;
  const subscriber = await openSocket(t, port);
  const { stored, events } = await fill(koor);
  t.ok(stored.size > 5, `${stored.size} values and ${events} events went before the disk was full`);
  const refused: Readonly<Record<string, Promise<Answer>>> = {
    put: put(koor, "refused", "1"),
    "put of a new version": put(koor, "first", "3"),
    "large put": put(koor, "refused/large", LARGE),
    rollback: send(port, "POST", "/api/state/first?rollback=1"),
    delete: send(port, "DELETE", "/api/state/first"),
    publish: publish(koor, "refused"),
    "publish of an array": sendJson(port, "POST", "/api/events/publish", [{ topic: "t" }, { topic: "t" }]),
    reset: reset(koor),
  };
  for (const [what, answer] of Object.entries(refused)) {
    t.equal((await answer).status, 507, what);
    t.same((await answer).json<Refusal>(), REFUSAL, what);
  }
  t.equal((await put(koor, "empty", "")).status, 400, "a wrong request still gets its own error");

  t.match((await send(port, "GET", "/health")).json(), { status: "ok" });
  for (const path of ["refused", "refused?history=1", "refused/large"])
    t.equal((await send(port, "GET", `/api/state/${path}`)).status, 404, path);
  t.equal((await send(port, "GET", "/api/state/first")).text, "2");
  t.match((await send(port, "GET", "/api/state/first?history=1")).json(), {
    versions: [{ version: 2 }, { version: 1 }],
  });
  t.same(await unlike(koor, stored), [], "every acknowledged value is as it was sent");
  const keys = ["first", ...stored.keys()].toSorted();
  const list = (await send(port, "GET", "/api/state")).json<{ readonly key: string }[]>();
  t.same(list.map((entry) => entry.key).toSorted(), keys, "and there is no other value");
  const audit = (await send(port, "GET", "/api/audit?limit=10000&action=state.put")).json<
    { readonly resource: string; readonly outcome: string }[]
  >();
  t.same(
    audit
      .filter((row) => row.outcome === "success")
      .map((row) => row.resource)
      .toSorted(),
    ["first", ...keys].toSorted(),
    "each value has its audit row",
  );
  const before = (await send(port, "GET", "/api/events/history?after=0&last=10000")).json<ReceivedEvent[]>();
  t.equal(before.length, 1 + events);
  t.match(await send(port, "GET", "/metrics"), { status: 200, text: /^koor_writer_restarts_total 0$/m });

  makeRoom();
  t.match(
    (await put(koor, "first", "3")).json(),
    { version: 3 },
    "there is room: the first write works, and no version is missing",
  );
  t.equal((await put(koor, "after", LARGE)).status, 200);
  t.equal((await publish(koor, "after")).json<ReceivedEvent>().id, 2 + events, "a refused event took no id");
  const received = await subscriber.untilId(2 + events);
  t.same(
    received.map((item) => ("id" in item ? item.id : 0)),
    Array.from({ length: events + 1 }, (_, at) => at + 2),
    "subscribers got what was stored, and only that",
  );
  t.notMatch(koor.log(), /crashed|restarts/);
  return stored;
}

/** The keys whose values are wrong. */
async function unlike(koor: Koor, stored: ReadonlyMap<string, string | Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for (const [key, body] of stored) {
    if (!(await send(koor.port, "GET", `/api/state/${key}`)).body.equals(Buffer.from(body))) found.push(key);
  }
  return found;
}

/** Writes what is there before the disk is full: two versions of a key, and an event. */
async function begin(t: Test, koor: Koor): Promise<void> {
  for (const value of ["1", "2"]) t.equal((await put(koor, "first", value)).status, 200);
  t.equal((await publish(koor, "before")).json<ReceivedEvent>().id, 1);
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Limits the size of the files that a server writes; `null` removes the limit. */
function limitFiles(koor: Koor, bytes: number | null): void {
  const done = succeeds("prlimit", "--pid", String(koor.process.pid), `--fsize=${bytes ?? "unlimited"}:unlimited`);
  if (!done) throw new Error("prlimit failed");
}

const IN_THE_LOG = { skip: singleServerOnly("calls that are in the log wait for the disk") };

const MOUNT = `mount -t tmpfs -o size=${FILE_SYSTEM_BYTES} koor "$KOOR_TEST_DISK"`;
const canLimit = succeeds("prlimit", "--pid", String(process.pid), "--fsize");
const canMount = succeeds("unshare", "-Urm", "sh", "-c", "mount -t tmpfs koor /tmp");
t.comment(`prlimit: ${canLimit}, own file system: ${canMount}`);
t.ok(canLimit || canMount || process.platform !== "linux", "Linux always has a way to fill a disk");

if (canLimit) {
  t.test("a server whose files reach their size limit refuses writes and recovers", IN_THE_LOG, async (t) => {
    const dataDir = makeDirectory(t);
    const koor = await startKoor(t, { data_dir: dataDir });
    await begin(t, koor);
    limitFiles(koor, statSync(join(dataDir, "data.db-wal")).size + ROOM_BYTES);
    const stored = await checkFull(t, koor, () => limitFiles(koor, null));

    limitFiles(koor, statSync(join(dataDir, "data.db-wal")).size);
    while ((await reset(koor)).status === 200);
    t.equal(await koor.stop(), 0, "a server whose disk is full exits with 0");
    const next = await startKoor(t, { data_dir: dataDir });
    t.same(await unlike(next, stored), [], "and nothing is lost");
    t.equal((await send(next.port, "GET", "/api/state/first")).text, "3");
    t.equal((await put(next, "first", "4")).json<{ readonly version: number }>().version, 4);
    t.equal(await next.stop(), 0);
    const db = openDatabase(join(dataDir, "data.db"), { readonly: true });
    t.equal(db.pragma("integrity_check", { simple: true }), "ok");
    db.close();
  });
}

if (canMount) {
  t.test("a server on a full file system refuses writes and recovers", IN_THE_LOG, async (t) => {
    const dataDir = makeDirectory(t);
    const koor = await startKoor(t, {
      data_dir: dataDir,
      env: { KOOR_TEST_DISK: dataDir },
      launcher: [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        `${MOUNT} && head -c ${BALLAST_BYTES} /dev/zero >"$KOOR_TEST_DISK/${BALLAST}" && exec "$0" "$@"`,
      ],
    });
    await begin(t, koor);
    // The mount is in the server's own namespace; its root directory shows it to this process.
    const stored = await checkFull(t, koor, () => rmSync(join(`/proc/${koor.process.pid}/root`, dataDir, BALLAST)));
    t.same(await unlike(koor, stored), []);
    while ((await put(koor, "last", LARGE)).status === 200);
    while ((await reset(koor)).status === 200);
    t.equal((await send(koor.port, "GET", "/api/state/first")).text, "3", "the disk is full again, and it still reads");
    t.equal(await koor.stop(), 0);
  });
}
