/**
 * Tests the server's end, and starts that must fail: signals under load, with subscribers, with a request that never
 * comes whole and with an answer that is read slowly; a second server on the same directory or port; a damaged
 * database.
 */
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { SHUTDOWN_DRAIN_MS } from "../../schemas/limits/process.js";
import { BODY_BYTES_MAX } from "../../schemas/limits/request-bodies.js";
import { sampleRows } from "../support/test-size.js";
import { closeOf, dial, send, sendJson } from "../support/http-client.js";
import { countInFlight } from "../support/metrics.js";
import { makeDirectory, runKoor, startKoor, type Owner } from "../support/server-process.js";
import { openSocket, openStream } from "../support/subscriber.js";
import { IS_FOLLOWER } from "../support/variant.js";
import { newSeed } from "../support/random.js";
import { Workload } from "../support/workload.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";
import { betweenLooks } from "../support/between-looks.js";

const KEEP_ALL = ["--state-history", "0", "--event-history", "0"];
/** The time that a stop takes on a busy machine, beside waiting for requests. */
const STOP_MS = 3_000;

/** Sends half a request, and waits until the server has started to read it. */
async function sendHalf(t: Owner, port: number): Promise<Socket> {
  const socket = await dial(t, port);
  socket.write("PUT /api/state/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nonly this");
  while ((await countInFlight(port)) !== 1) await betweenLooks();
  return socket;
}

/** For tap's `skip`: the data directory of a follower exists before the test starts. */
const MADE_BEFORE = IS_FOLLOWER ? "the directory of a follower is there already" : false;

t.test("a signal in the middle of writes: all are answered, and what was acknowledged is stored", async (t) => {
  for (const signal of sampleRows(["SIGTERM", "SIGINT", "SIGTERM"] as const, 1)) {
    const seed = newSeed();
    t.comment(`seed ${seed}`);
    const workload = new Workload(12, seed);
    workload.endsWhenRefused = true;
    const dataDir = makeDirectory(t);
    const koor = await startKoor(t, { data_dir: dataDir, args: KEEP_ALL });
    let signalledMs = 0;
    const stopped = new Promise<number | null>((resolve) => {
      workload.onAcknowledged = () => {
        if (workload.acknowledged !== 200) return;
        signalledMs = performance.now();
        resolve(koor.stop(signal));
      };
    });
    await workload.run(koor.port);
    t.equal(await stopped, 0, `${signal} ends it with 0`);
    t.ok(
      performance.now() - signalledMs < SHUTDOWN_DRAIN_MS,
      "it takes less time than it would give to a request that hangs",
    );
    t.same(
      workload.lost.filter((sentMs) => sentMs < signalledMs),
      [],
      "requests that were sent before the signal were answered",
    );
    t.ok(workload.acknowledged >= 200);
    t.notOk(existsSync(join(dataDir, "data.db-wal")), "the write-ahead log is in the database");
    const db = openDatabase(join(dataDir, "data.db"), { readonly: true });
    t.equal(db.pragma("integrity_check", { simple: true }), "ok");
    db.close();
    const next = await startKoor(t, { data_dir: dataDir, args: KEEP_ALL });
    t.same(await workload.findLosses(next.port), [], "nothing is lost");
    t.equal(await next.stop(), 0);
  }
});

t.test("at a shutdown subscribers are closed with 1001, and waiting calls are answered", async (t) => {
  const koor = await startKoor(t);
  const socket = await openSocket(t, koor.port, "pattern=a.*");
  const lagging = await openSocket(t, koor.port, "since=0");
  const stream = await openStream(t, koor.port);
  const poll = send(koor.port, "GET", "/api/events/history?after=0&wait=60");
  const waiting = async (): Promise<boolean> =>
    /^koor_subscribers 4$/m.test((await send(koor.port, "GET", "/metrics")).text);
  while (!(await waiting())) await betweenLooks();
  const fromMs = performance.now();
  t.equal(await koor.stop(), 0);
  t.ok(performance.now() - fromMs < STOP_MS, "no subscriber delays it");
  t.equal(await socket.closed, 1001);
  t.equal(await lagging.closed, 1001);
  await stream.ended;
  const answer = await poll;
  t.same([answer.status, answer.text], [200, "[]\n"]);
});

t.test("a request that never comes whole is awaited, then cut; meanwhile health reports the shutdown", async (t) => {
  const koor = await startKoor(t);
  const half = await sendHalf(t, koor.port);
  const other = await dial(t, koor.port);
  const ask = async (path: string): Promise<string> => {
    other.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return String((await once(other, "data"))[0]);
  };
  t.match(await ask("/health"), /^HTTP\/1\.1 200 /);
  const fromMs = performance.now();
  const stopped = koor.stop();
  await koor.logged(/msg="koor stops"/);
  t.match(
    await ask("/health"),
    /^HTTP\/1\.1 503 [^]*"status":"draining"/,
    "a connection that was open is still served",
  );
  t.match(
    await ask("/api/state"),
    /^HTTP\/1\.1 503 [^]*Retry-After: 1[^]*"error":"the server is shutting down","code":503/,
  );
  await t.rejects(dial(t, koor.port), { code: "ECONNREFUSED" }, "new connections are refused");
  t.equal(await stopped, 0);
  const tookMs = performance.now() - fromMs;
  t.ok(tookMs >= SHUTDOWN_DRAIN_MS - 100 && tookMs < SHUTDOWN_DRAIN_MS + STOP_MS, `it took ${Math.round(tookMs)} ms`);
  if (!half.readableEnded) await closeOf(half);
  t.ok(half.closed || half.readableEnded, "its connection was cut");
});

t.test("a second signal stops at once, and what was acknowledged is safe", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  await sendHalf(t, koor.port);
  t.equal((await sendJson(koor.port, "PUT", "/api/state/kept", { kept: true })).status, 200);
  const stopped = koor.stop();
  await koor.logged(/msg="koor stops"/);
  const fromMs = performance.now();
  koor.process.kill("SIGTERM");
  t.equal(await stopped, 1, "the exit code is not that of a clean end");
  t.ok(performance.now() - fromMs < STOP_MS);
  const next = await startKoor(t, { data_dir: dataDir });
  t.same((await send(next.port, "GET", "/api/state/kept")).json(), { kept: true });
  t.equal((await send(next.port, "GET", "/api/state/half")).status, 404);
});

t.test("an answer that is read slowly is sent to its end", async (t) => {
  const koor = await startKoor(t);
  const value = Buffer.alloc(BODY_BYTES_MAX, "x");
  t.equal((await send(koor.port, "PUT", "/api/state/large", { body: value })).status, 200);
  const reader = await dial(t, koor.port);
  reader.pause();
  reader.write("GET /api/state/large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while ((await countInFlight(koor.port)) !== 1) await betweenLooks();
  const stopped = koor.stop();
  await koor.logged(/msg="koor stops"/);
  let bytes = 0;
  reader.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
  });
  reader.resume();
  await closeOf(reader);
  t.ok(bytes > BODY_BYTES_MAX, `${bytes} bytes, head and all of the value`);
  t.equal(await stopped, 0);
});

t.test("a second server on the same directory or port prints one clear line and exits with 1", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  const flags = (directory: string, bind: string): string[] => [
    "--bind",
    bind,
    "--dashboard-bind",
    "",
    "--data-dir",
    directory,
  ];
  const elsewhere = makeDirectory(t);

  const same = await runKoor(flags(dataDir, "127.0.0.1:0"), elsewhere);
  t.same(same, {
    code: 1,
    stdout: "",
    stderr: `koor-server: data directory ${dataDir} is in use by another koor server\n`,
  });

  const bound = await runKoor(flags(elsewhere, `127.0.0.1:${koor.port}`), elsewhere);
  t.same([bound.code, bound.stdout], [1, ""]);
  t.match(bound.stderr, new RegExp(`^koor-server: cannot listen on 127\\.0\\.0\\.1:${koor.port}: [^\n]*\n$`));
  const dashboard = await runKoor(
    ["--bind", "127.0.0.1:0", "--dashboard-bind", `127.0.0.1:${koor.port}`, "--data-dir", elsewhere],
    elsewhere,
  );
  t.match(dashboard, {
    code: 1,
    stdout: "",
    stderr: /^koor-server: cannot listen on [^\n]* \(see --dashboard-bind\)\n$/,
  });

  t.equal((await send(koor.port, "GET", "/health")).status, 200, "the first server still serves");
  t.equal((await sendJson(koor.port, "PUT", "/api/state/k", "1")).status, 200);
  const free = await startKoor(t, { data_dir: elsewhere });
  t.equal((await send(free.port, "GET", "/health")).status, 200, "the directory of the refused server is free");
});

t.test(
  "the lock is that of the database: no other name of it lets a second server in",
  { skip: MADE_BEFORE },
  async (t) => {
    const folder = makeDirectory(t);
    const dataDir = join(folder, "real/data");
    const koor = await startKoor(t, { data_dir: dataDir, cwd: folder });
    const [folderLink, fileLink, hardLink] = ["folder", "file", "hard"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    symlinkSync(dataDir, folderLink);
    for (const path of [fileLink, hardLink]) mkdirSync(path);
    symlinkSync("../real/data/data.db", join(fileLink, "data.db"));
    linkSync(join(dataDir, "data.db"), join(hardLink, "data.db"));
    const flags = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir"];
    const names = [folderLink, fileLink, hardLink, join(folder, "real", "..", "real", "data"), "real/data/."];
    const refused = await Promise.all(names.map((name) => runKoor([...flags, name], folder)));
    for (const [at, { code, stderr }] of refused.entries()) {
      t.equal(code, 1, `${names[at]}`);
      t.match(stderr, /^koor-server: (data directory|database) .* is in use by another koor server/);
    }
    t.equal((await sendJson(koor.port, "PUT", "/api/state/k", "1")).status, 200, "the first server still serves");
    t.equal(await koor.stop(), 0);
    const after = await startKoor(t, { data_dir: fileLink });
    t.equal((await send(after.port, "GET", "/api/state/k")).text, "1", "a link to the directory is refused, too");
    t.match((await runKoor([...flags, dataDir], folder)).stderr, /is in use by another koor server/);
  },
);

t.test(
  "the server's files are for its own user only, and a directory with other rights causes a warning",
  { skip: MADE_BEFORE },
  async (t) => {
    const folder = makeDirectory(t);
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const umask = ["-c", 'umask 0; exec "$@"', "sh"];
    const dataDir = join(folder, "made/for it");
    const koor = await startKoor(t, {
      data_dir: dataDir,
      cwd: folder,
      launcher: ["/bin/sh", ...umask],
      args: ["--auth-token", "x"],
    });
    t.same([modeOf(join(folder, "made")), modeOf(dataDir)], ["700", "700"]);
    const files = readdirSync(dataDir);
    t.ok(files.includes("data.db-wal") && files.includes("koor.lock"), String(files));
    for (const file of files) t.equal(modeOf(join(dataDir, file)), "600", file);
    t.notMatch(koor.log(), "other users");
    await koor.stop();
    for (const [mode, args, warned] of [
      [0o755, ["--auth-token", "x"], true],
      [0o755, [], false],
    ] as const) {
      chmodSync(dataDir, mode);
      const again = await startKoor(t, { data_dir: dataDir, args });
      t.equal(/level=WARN msg="other users of this machine can open the data directory/.test(again.log()), warned);
      await again.stop();
    }
  },
);

t.test("a damaged database stops the start and keeps its files unchanged", async (t) => {
  const dataDir = makeDirectory(t);
  const koor = await startKoor(t, { data_dir: dataDir });
  for (let at = 0; at < 50; at++)
    await sendJson(koor.port, "PUT", `/api/state/k${at}`, { at, filler: "x".repeat(2000) });
  t.equal(await koor.stop(), 0);
  const path = join(dataDir, "data.db");
  const bytes = readFileSync(path);
  for (let page = 12; page < statSync(path).size / 4096; page++) bytes.write("\xff".repeat(64), page * 4096, "latin1");
  writeFileSync(path, bytes);
  const names = readdirSync(dataDir).toSorted();

  const refused = await runKoor(["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", dataDir], dataDir);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /^koor-server: database [^\n]* is damaged [^\n]*\n$/);
  t.ok(readFileSync(path).equals(bytes), "the files are the same byte by byte");
  t.same(
    readdirSync(dataDir)
      .filter((name) => !/-(wal|shm)$/.test(name))
      .toSorted(),
    names,
  );
});
