/**
 * The log in PostgreSQL against a real server: what every log must do (checkLogContract), and what becomes of it when
 * the server is killed, hangs, refuses or is set up in a way that loses entries.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ENTRY_BYTES_MAX } from "../../schemas/limits.js";
import { postgresMissing, startPostgres, type PostgresServer } from "../../test/support/postgres-server.js";
import { makeDirectory } from "../../test/support/server-process.js";
import { LogError, type Appended, type LogSession, type OrderedLog } from "./ordered-log.js";
import { parsePostgresAddress } from "./postgres-address.js";
import { postgresLog } from "./postgres.js";

/** Who listens to a session, and keeps what comes. */
class Follower {
  readonly entries: { readonly id: number; readonly bytes: Buffer; readonly last: number }[] = [];
  readonly losses: LogError[] = [];
  readonly #watchers = new Set<() => void>();

  entry(id: number, bytes: Uint8Array, last: number): void {
    this.entries.push({ id, bytes: Buffer.from(bytes), last });
    this.#wake();
  }

  lost(error: LogError): void {
    this.losses.push(error);
    this.#wake();
  }

  get ids(): number[] {
    return this.entries.map(({ id }) => id);
  }

  get texts(): string[] {
    return this.entries.map(({ bytes }) => bytes.toString());
  }

  /** Resolves when so many entries have come. */
  has(count: number): Promise<void> {
    return this.#until(() => this.entries.length >= count || this.losses.length > 0);
  }

  isLost(): Promise<void> {
    return this.#until(() => this.losses.length > 0);
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.#watchers.delete(check);
        resolve();
      };
      this.#watchers.add(check);
      check();
    });
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

interface Joined {
  readonly session: LogSession;
  readonly follower: Follower;
}

/** Opens a log that is there; the session ends with the test. */
async function joinLog(t: Test, log: OrderedLog, after?: number): Promise<Joined> {
  const follower = new Follower();
  const session = await log.open(follower);
  if (session === null) throw new Error("there is no log");
  t.teardown(() => session.close());
  if (after !== undefined) session.follow(after);
  return { session, follower };
}

function append(session: LogSession, bytes: Uint8Array | string): Promise<Appended> {
  return new Promise((resolve) => session.append(typeof bytes === "string" ? Buffer.from(bytes) : bytes, resolve));
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof LogError ? error.fault : String(error);
  }
  return "none";
}

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that repeat late, by a number. */
function patternOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_one, at) => at + 1);
}

/**
 * What every engine of the log must do.
 * @param make the log of a name, which is new for each test
 */
function checkLogContract(t: Test, make: (name: string) => OrderedLog): void {
  t.test("a log that was not made is null", async (t) => {
    t.equal(await make("missing").open(new Follower()), null);
    t.same(await make("missing").snapshots.list(), []);
  });

  t.test("a log that was made is empty", async (t) => {
    const log = make("empty");
    await log.create("g1");
    const { session } = await joinLog(t, log);
    t.match(session.status, { generation: "g1", first: 1, last: 0 });
    t.equal(await session.read(1), null);
  });

  t.test("entries come in order, to who appended them and to others", async (t) => {
    const log = make("order");
    await log.create("g1");
    const one = await joinLog(t, log, 0);
    const other = await joinLog(t, log, 0);
    const texts = Array.from({ length: 300 }, (_none, at) => `entry ${at}`);
    const outcomes = await Promise.all(texts.map((text) => append(one.session, text)));
    t.same(new Set(outcomes), new Set(["stored"]));
    await Promise.all([one.follower.has(300), other.follower.has(300)]);
    for (const { follower } of [one, other]) {
      t.same(follower.texts, texts);
      t.same(follower.ids, upTo(300));
      t.ok(
        follower.entries.every(({ id, last }) => last >= id && last <= 300),
        "the newest id is never behind",
      );
    }
    const late = await joinLog(t, log, 250);
    await late.follower.has(50);
    t.same(late.follower.texts, texts.slice(250));
    t.match(late.session.status, { first: 1, last: 300 });
  });

  t.test("two nodes that append at once see one order without gaps", async (t) => {
    const log = make("two");
    await log.create("g1");
    const nodes = [await joinLog(t, log, 0), await joinLog(t, log, 0)];
    await Promise.all(
      nodes.map(async ({ session }, node) => {
        for (let at = 0; at < 300; at += 1) t.equal(await append(session, `${node} ${at}`), "stored");
      }),
    );
    const [one, other] = nodes as [Joined, Joined];
    await Promise.all([one.follower.has(600), other.follower.has(600)]);
    t.same(one.follower.ids, upTo(600));
    t.same(other.follower.ids, upTo(600));
    t.same(one.follower.texts, other.follower.texts);
    for (const node of ["0", "1"])
      t.same(
        one.follower.texts.filter((text) => text.startsWith(node)),
        Array.from({ length: 300 }, (_none, at) => `${node} ${at}`),
        "each in its own order",
      );
  });

  t.test("who is called may append at once", async (t) => {
    const log = make("reentrant");
    await log.create("g1");
    const { session, follower } = await joinLog(t, log, 0);
    const appendNext = (at: number): void => {
      if (at <= 20) session.append(Buffer.from(`${at}`), () => appendNext(at + 1));
    };
    appendNext(1);
    appendNext(20);
    await follower.has(21);
    t.same(follower.ids, upTo(21));
    t.same(
      follower.texts.toSorted((one, other) => Number(one) - Number(other)),
      [...upTo(20), 20].map(String),
      "each once",
    );
  });

  t.test("large entries, between small ones", async (t) => {
    const log = make("large");
    await log.create("g1");
    const one = await joinLog(t, log, 0);
    const other = await joinLog(t, log, 0);
    const sizes = [1, 1024 * 1024, 1024 * 1024 + 1, 5_000_000, ENTRY_BYTES_MAX, 2];
    const hashes: string[] = [];
    for (const [at, size] of sizes.entries()) {
      const bytes = patternOf(size, at + 1);
      hashes.push(sha256(bytes));
      t.equal(await append(one.session, bytes), "stored", `${size} bytes`);
    }
    await Promise.all([one.follower.has(sizes.length), other.follower.has(sizes.length)]);
    t.same(
      one.follower.entries.map(({ bytes }) => sha256(bytes)),
      hashes,
    );
    t.same(
      other.follower.entries.map(({ bytes }) => sha256(bytes)),
      hashes,
    );
    const read = await other.session.read(5);
    t.equal(read === null ? "" : sha256(read), hashes[4]);
    t.same([...one.follower.losses, ...other.follower.losses], []);
  });

  t.test("entries that were trimmed are gone, and their ids are not given again", async (t) => {
    const log = make("trim");
    await log.create("g1");
    const { session } = await joinLog(t, log, 0);
    await Promise.all(upTo(600).map((at) => append(session, `entry ${at}`)));
    await session.trim(590);
    t.equal(await session.read(590), null);
    t.equal((await session.read(591))?.toString(), "entry 591");
    t.equal(await session.read(601), null);
    t.match((await joinLog(t, log)).session.status, { first: 591, last: 600 });
    await session.trim(600);
    const after = await joinLog(t, log, 600);
    t.match(after.session.status, { first: 601, last: 600 });
    t.equal(await append(session, "next"), "stored");
    await after.follower.has(1);
    t.same(after.follower.ids, [601]);
    const behind = await joinLog(t, log, 100);
    await behind.follower.isLost();
    t.same(behind.follower.entries, [], "who is behind what was trimmed is told so");
    t.equal(behind.follower.losses.length, 1);
  });

  t.test("a log that is made anew ends the sessions of the old one", async (t) => {
    const log = make("anew");
    await log.create("g1");
    const idle = await joinLog(t, log, 0);
    const busy = await joinLog(t, log, 0);
    await append(busy.session, "old");
    await log.snapshots.put({ position: 1, generation: "g1" }, chunksOf(Buffer.from("snapshot")));
    await log.create("g2");
    t.not(await append(busy.session, "lost"), "stored");
    await Promise.all([idle.follower.isLost(), busy.follower.isLost()]);
    t.equal(idle.follower.losses.length, 1);
    t.equal(busy.follower.losses.length, 1);
    const { session, follower } = await joinLog(t, log, 0);
    t.match(session.status, { generation: "g2", first: 1, last: 0 });
    t.same(await log.snapshots.list(), []);
    await append(session, "new");
    await follower.has(1);
    t.same(follower.texts, ["new"]);
  });

  t.test("after the end nothing is called", async (t) => {
    const log = make("closed");
    await log.create("g1");
    const { session, follower } = await joinLog(t, log, 0);
    const outcomes: string[] = [];
    session.append(Buffer.from("on its way"), (outcome) => outcomes.push(outcome));
    await session.close();
    session.append(Buffer.from("too late"), (outcome) => outcomes.push(outcome));
    const other = await joinLog(t, log, 0);
    await append(other.session, "other");
    await other.follower.has(1);
    t.same(outcomes, []);
    t.same(follower.entries, []);
    t.same(follower.losses, []);
    await session.close();
  });

  t.test("snapshots", async (t) => {
    const log = make("snapshots");
    await log.create("g1");
    const { snapshots } = log;
    t.teardown(() => snapshots.close());
    const first = patternOf(3_000_001, 1);
    const second = patternOf(700_000, 2);
    const cut = [first.subarray(0, 10), first.subarray(10, 2_000_000), first.subarray(2_000_000)];
    await snapshots.put({ position: 20, generation: "g1" }, chunksOf(second));
    await snapshots.put({ position: 10, generation: "g1" }, chunksOf(...cut));
    const [older, newer] = await snapshots.list();
    t.same(
      [older, newer],
      [
        { position: 10, generation: "g1", bytes: first.byteLength },
        { position: 20, generation: "g1", bytes: second.byteLength },
      ],
    );
    if (older === undefined || newer === undefined) return;
    t.ok(first.equals(await collect(snapshots.get(older))));

    const failure = new Error("the disk of who puts it");
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield first;
      throw failure;
    };
    await t.rejects(snapshots.put({ position: 30, generation: "g1" }, breaking()), failure);
    await t.rejects(snapshots.put({ position: 20, generation: "g1" }, breaking()), failure);
    t.equal((await snapshots.list()).length, 2, "what was cut off is not listed");
    t.ok(second.equals(await collect(snapshots.get(newer))), "and replaces nothing");

    await snapshots.put({ position: 20, generation: "g1" }, chunksOf(first));
    const replaced = (await snapshots.list())[1];
    t.same(replaced, { position: 20, generation: "g1", bytes: first.byteLength });
    if (replaced !== undefined) t.ok(first.equals(await collect(snapshots.get(replaced))));
    await snapshots.put({ position: 40, generation: "g1" }, chunksOf());
    await snapshots.remove(10);
    await snapshots.remove(11);
    t.same(
      (await snapshots.list()).map(({ position, bytes }) => [position, bytes]),
      [
        [20, first.byteLength],
        [40, 0],
      ],
    );
    await t.rejects(collect(snapshots.get(older)), LogError);
  });
}

/** A user who needs a password comes in by none of the lines that trust. */
async function addUser(server: PostgresServer, name: string, password: string): Promise<void> {
  const lines = [
    "local all postgres trust",
    "host all postgres 127.0.0.1/32 trust",
    "host all all 127.0.0.1/32 scram-sha-256",
  ];
  writeFileSync(join(server.folder, "data", "pg_hba.conf"), `${lines.join("\n")}\n`);
  await server.sql(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  await server.sql("SELECT pg_reload_conf()");
}

t.test("addresses", (t) => {
  const parse = (url: string): unknown => parsePostgresAddress({ url, name: "c", credentials: "" });
  t.match(parse("postgres://koor@db"), {
    hosts: [{ host: "db", port: 5432 }],
    user: "koor",
    password: "",
    database: "koor",
    tls: false,
  });
  t.match(parse("postgresql://k%40x:a%3Ab:c@one:1,[::1]:2,%2Frun%2Fpg/log?sslmode=require&sslrootcert=/ca.pem"), {
    hosts: [
      { host: "one", port: 1 },
      { host: "::1", port: 2 },
      { host: "/run/pg", port: 5432 },
    ],
    user: "k@x",
    password: "a:b:c",
    database: "log",
    tls: { verify: true, files: { ca: "/ca.pem" } },
  });
  t.match(parse("postgres://koor@db/log?sslmode=no-verify"), { tls: { verify: false } });
  t.match(parse("postgres://koor@db/log?sslmode=disable"), { tls: false });
  for (const url of [
    "postgres://db/log",
    "postgres://koor:secret@/log",
    "postgres://koor:secret@a:b/log",
    "postgres://koor:secret@a:0,b/log",
    "postgres://koor:secret@a,,b/log",
    "postgres://koor:secret@a/log?sslmode=perhaps",
    "postgres://koor:secret@a/log?host=b",
    "postgres://koor:secret@a/%zz",
    "nats://koor:secret@a",
  ])
    t.throws(() => parse(url), { fault: "denied", message: /^(?!.*secret)the PostgreSQL URL cannot be used/ }, url);
  t.end();
});

t.test("a log in PostgreSQL", { skip: postgresMissing() }, async (t) => {
  const server = await startPostgres(t);
  const logAt = (url: string, name: string, credentials = ""): OrderedLog => postgresLog({ url, name, credentials });
  const make = (name: string): OrderedLog => logAt(server.url, name);

  t.test("does what every log must", async (t) => {
    checkLogContract(t, make);
  });

  t.test("what a cut-off or replaced snapshot leaves is swept by the next put", async (t) => {
    const { snapshots } = make("snapshots");
    await snapshots.put({ position: 50, generation: "g1" }, chunksOf(Buffer.from("small")));
    t.match(await server.sql("SELECT count(*)::int AS count FROM koor.snapshot WHERE sha256 IS NULL"), [{ count: 0 }]);
    t.match(
      await server.sql(
        "SELECT count(*)::int AS count FROM koor.snapshot_piece WHERE snapshot NOT IN (SELECT id FROM koor.snapshot)",
      ),
      [{ count: 0 }],
    );
  });

  t.test("a put that is under way is not swept", async (t) => {
    const log = make("puts");
    await log.create("g1");
    const bytes = patternOf(2_000_000);
    const first = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      await log.snapshots.put({ position: 2, generation: "g1" }, chunksOf(bytes));
      yield bytes;
    };
    await log.snapshots.put({ position: 1, generation: "g1" }, first());
    const [info] = await log.snapshots.list();
    if (info === undefined) throw new Error("there is none");
    t.ok(Buffer.concat([bytes, bytes]).equals(await collect(log.snapshots.get(info))));
  });

  t.test("a snapshot that was changed is not taken for what was put", async (t) => {
    const log = make("spoilt");
    await log.create("g1");
    await log.snapshots.put({ position: 1, generation: "g1" }, chunksOf(patternOf(1_500_000)));
    const [info] = await log.snapshots.list();
    if (info === undefined) throw new Error("there is none");
    const pieces = "snapshot = (SELECT id FROM koor.snapshot WHERE name = 'spoilt') AND place = 1";
    await server.sql(
      `UPDATE koor.snapshot_piece SET bytes = set_byte(bytes, 7, get_byte(bytes, 7) # 1) WHERE ${pieces}`,
    );
    t.equal(await faultOf(collect(log.snapshots.get(info))), "foreign");
    await server.sql(`DELETE FROM koor.snapshot_piece WHERE ${pieces}`);
    t.equal(await faultOf(collect(log.snapshots.get(info))), "foreign");
  });

  t.test("says what an operator is to know", async (t) => {
    const { session } = await joinLog(t, make("order"));
    t.match(session.status.warnings, [/^PostgreSQL at 127.0.0.1:\d+, database postgres: synchronous_standby_names/]);
    t.equal(session.status.warnings.length, 1);
  });

  t.test("whoever is refused hears why, without the password", async (t) => {
    await addUser(server, "agent", "right");
    const at = `127.0.0.1:${server.port}`;
    const refusals: readonly (readonly [url: string, message: RegExp])[] = [
      [`postgres://agent:wr0ng@${at}/postgres`, /127.0.0.1:\d+, database postgres: .*agent/],
      [`postgres://agent@${at}/postgres`, /asks agent for a password/],
      [`postgres://nobody:wr0ng@${at}/postgres`, /nobody/],
      [`postgres://postgres:wr0ng@${at}/nothing`, /database nothing/],
      [`postgres://agent:right@${at}/postgres`, /permission denied/],
    ];
    for (const [url, message] of refusals) {
      const error: unknown = await logAt(url, "order")
        .open(new Follower())
        .catch((thrown: unknown) => thrown);
      t.ok(error instanceof LogError && error.fault === "denied" && message.test(error.message), String(error));
      t.notMatch(String(error), /wr0ng|right/);
    }
    const file = join(makeDirectory(t), "password");
    writeFileSync(file, "right\nanother line\n");
    const inside = logAt(`postgres://agent:wr0ng@${at}/postgres`, "order", file);
    await t.rejects(inside.open(new Follower()), { message: /permission denied/ }, "the file's password is the one");
    t.equal(await faultOf(logAt(server.url, "order", `${file}.not`).open(new Follower())), "denied");
    t.equal(await faultOf(logAt(`${server.url}?sslmode=require`, "order").open(new Follower())), "unreachable");
  });

  t.test("the first host that answers is taken", async (t) => {
    const at = `127.0.0.1:${server.port}`;
    const socket = encodeURIComponent(server.folder);
    for (const hosts of [`127.0.0.1:1,${at}`, `%2Fnowhere,${socket}:${server.port}`, `${at},127.0.0.1:1`]) {
      const { session } = await joinLog(t, logAt(`postgres://postgres@${hosts}/postgres`, "order"));
      t.equal(session.status.last, 300, hosts);
    }
    const dead = logAt("postgres://postgres@127.0.0.1:1,127.0.0.1:2/postgres", "order");
    const error: unknown = await dead.open(new Follower()).catch((thrown: unknown) => thrown);
    t.match(error, { fault: "unreachable", message: /127.0.0.1:1, .*127.0.0.1:2, / });
  });

  t.test("tables that are not Koor's are left alone", async (t) => {
    await server.sql("CREATE DATABASE theirs");
    const url = `postgres://postgres@127.0.0.1:${server.port}/theirs`;
    const log = logAt(url, "order");
    t.equal(await log.open(new Follower()), null);
    await log.create("g1");
    await server.sql("CREATE DATABASE foreigners");
    const foreign = logAt(url.replace("theirs", "foreigners"), "order");
    t.equal(await foreign.open(new Follower()), null);
    await foreign.create("g1");
    await server.sql("ALTER TABLE koor.log_entry ADD COLUMN colour text", "foreigners");
    t.equal(await faultOf(foreign.open(new Follower())), "foreign");
    t.equal(await faultOf(foreign.create("g2")), "foreign");
    await server.sql("ALTER TABLE koor.log_entry SET UNLOGGED", "theirs");
    t.equal(await faultOf(log.open(new Follower())), "unsafe");
    await server.sql("DROP TABLE koor.log_entry", "theirs");
    t.equal(await faultOf(log.open(new Follower())), "foreign");
    await log.create("g2");
    t.match((await joinLog(t, log)).session.status, { generation: "g2" });
  });

  t.test("a connection that the server ends is told once, and nothing after it", async (t) => {
    const log = make("ended");
    await log.create("g1");
    const { session, follower } = await joinLog(t, log, 0);
    await append(session, "one");
    await follower.has(1);
    await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'koor'");
    await follower.isLost();
    t.match(follower.losses, [{ fault: "unreachable" }]);
    const outcomes: string[] = [];
    session.append(Buffer.from("late"), (outcome) => outcomes.push(outcome));
    t.equal(await faultOf(session.trim(1)), "unreachable");
    await session.close();
    t.equal(follower.losses.length, 1);
    t.same(outcomes, []);
  });

  t.test("a log that ends before what was followed went back", async (t) => {
    const log = make("back");
    await log.create("g1");
    const { session, follower } = await joinLog(t, log);
    await append(session, "one");
    session.follow(2);
    await follower.isLost();
    t.match(follower.losses, [{ fault: "unreachable", message: /ends at 1: it went back behind 2/ }]);
  });

  t.test("settings of the role do not weaken a session", async (t) => {
    const log = make("settings");
    await log.create("g1");
    for (const setting of [
      "synchronous_commit = off",
      "default_transaction_read_only = on",
      "default_transaction_isolation = serializable",
      "bytea_output = escape",
    ])
      await server.sql(`ALTER DATABASE postgres SET ${setting}`, "theirs");
    const nodes = [await joinLog(t, log, 0), await joinLog(t, log, 0)] as [Joined, Joined];
    t.match(nodes[0].session.status.warnings, [/synchronous_commit/, /standby/]);
    await Promise.all(upTo(50).map((at) => append(nodes[at % 2 === 0 ? 0 : 1].session, Buffer.from([0, 255, at]))));
    await nodes[0].follower.has(50);
    t.same(nodes[0].follower.losses, []);
    t.ok(nodes[0].follower.entries.every(({ bytes }) => bytes.byteLength === 3 && bytes[1] === 255));
    await server.sql("ALTER DATABASE postgres RESET ALL", "theirs");
  });

  t.test("what the server refuses is told from what nobody knows", async (t) => {
    const log = make("refused");
    await log.create("g1");
    await server.sql(`
      CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF convert_from(NEW.bytes, 'UTF8') = '01000' THEN RAISE WARNING 'beware'; RETURN NEW; END IF;
        IF NEW.bytes <> 'fine' THEN
          RAISE EXCEPTION 'no' USING ERRCODE = convert_from(NEW.bytes, 'UTF8');
        END IF;
        RETURN NEW;
      END $$`);
    await server.sql(`
      CREATE TRIGGER refuse BEFORE INSERT ON koor.log_entry
      FOR EACH ROW WHEN (NEW.name = 'refused') EXECUTE FUNCTION public.refuse()`);
    const { session, follower } = await joinLog(t, log, 0);
    t.equal(await append(session, "53100"), "full");
    t.equal(await append(session, "54000"), "too_large");
    t.equal(await append(session, "fine"), "stored");
    await follower.has(1);
    t.same(follower.ids, [1], "what was refused has taken no id");
    for (const state of ["P0001", "01000"]) {
      const other = await joinLog(t, log, 0);
      t.equal(await append(other.session, state), "unknown");
      t.match(other.follower.losses, [{ fault: "unreachable" }]);
    }
    await server.sql("DROP TRIGGER refuse ON koor.log_entry");
  });

  t.test("a commit that no standby has is not taken for stored", async (t) => {
    const log = make("alone");
    await log.create("g1");
    const { session, follower } = await joinLog(t, log, 0);
    t.equal(await append(session, "one"), "stored");
    await server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await server.sql("SELECT pg_reload_conf()");
    // The setting reaches each process by itself.
    const waits = "SELECT pid FROM pg_stat_activity WHERE application_name = 'koor' AND wait_event = 'SyncRep'";
    const outcomes: Appended[] = [];
    const appendMore = (): void =>
      session.append(Buffer.from("more"), (outcome) => {
        outcomes.push(outcome);
        if (outcome === "stored") appendMore();
      });
    appendMore();
    while ((await server.sql(waits)).length === 0);
    await server.sql(`SELECT pg_cancel_backend(pid) FROM (${waits}) AS waiting`);
    await follower.isLost();
    t.equal(outcomes.at(-1), "unknown");
    t.match(follower.losses, [{ fault: "unreachable", message: /with a warning/ }]);
    await server.sql("ALTER SYSTEM RESET synchronous_standby_names");
    await server.sql("SELECT pg_reload_conf()");
  });

  t.test("what was acknowledged is there after the server was killed", async (t) => {
    const log = make("killed");
    await log.create("g1");
    const nodes = [await joinLog(t, log, 0), await joinLog(t, log, 0)];
    const stored: string[] = [];
    const unknown: string[] = [];
    const working = Promise.all(
      nodes.map(async ({ session, follower }, node) => {
        for (let at = 0; follower.losses.length === 0; at += 1) {
          const text = `${node} ${at}`;
          const outcome = await Promise.race([append(session, text), follower.isLost().then(() => "unknown" as const)]);
          (outcome === "stored" ? stored : unknown).push(text);
        }
      }),
    );
    await nodes[0]?.follower.has(200);
    await server.kill();
    await Promise.all(nodes.map(({ follower }) => follower.isLost()));
    await working;
    for (const { follower } of nodes) t.match(follower.losses, [{ fault: "unreachable" }]);
    t.equal(await faultOf(log.open(new Follower())), "unreachable");
    await server.start();
    const { session, follower } = await joinLog(t, log, 0);
    await follower.has(session.status.last);
    t.same(follower.ids, upTo(session.status.last));
    const there = new Set(follower.texts);
    t.same(
      stored.filter((text) => !there.has(text)),
      [],
      `${stored.length} acknowledged`,
    );
    t.ok(follower.texts.every((text) => stored.includes(text) || unknown.includes(text)));
    for (const node of nodes)
      t.same(
        node.follower.texts,
        follower.texts.slice(0, node.follower.texts.length),
        "what was delivered is what is there",
      );
  });

  t.test("a server that hangs is missed within 5 s or so", async (t) => {
    const log = make("frozen");
    await log.create("g1");
    const idle = await joinLog(t, log, 0);
    const busy = await joinLog(t, log, 0);
    server.freeze();
    const frozen_ms = performance.now();
    const outcome = append(busy.session, "into the void");
    await Promise.all([idle.follower.isLost(), busy.follower.isLost()]);
    const took_ms = performance.now() - frozen_ms;
    t.equal(await outcome, "unknown");
    t.ok(took_ms < 8_000, `${Math.round(took_ms)} ms`);
    for (const { follower } of [idle, busy]) t.match(follower.losses, [{ fault: "unreachable" }]);
    server.thaw();
    const { session } = await joinLog(t, log, 0);
    t.ok(session.status.last <= 1);
  });

  t.test("a server that would lose entries is refused", async (t) => {
    await server.stop();
    await server.start({ fsync: "off" });
    t.equal(await faultOf(make("order").open(new Follower())), "unsafe");
    t.equal(await faultOf(make("order").create("g9")), "unsafe");
    await server.stop();
    await server.start({ full_page_writes: "off", synchronous_commit: "local" });
    const { session } = await joinLog(t, make("order"));
    t.match(session.status.warnings, [/full_page_writes/, /synchronous_commit/, /synchronous_standby_names/]);
    await server.stop();
    // It recovers, and waits for a primary that there is not.
    writeFileSync(join(server.folder, "data", "standby.signal"), "");
    await server.start();
    t.equal(await faultOf(make("order").open(new Follower())), "unsafe");
    const both = `127.0.0.1:1,127.0.0.1:${server.port}`;
    const waiting = logAt(`postgres://postgres@${both}/postgres`, "order");
    t.equal(await faultOf(waiting.open(new Follower())), "unreachable", "a failover may be under way");
  });
});
