/**
 * Tests the log with a real PostgreSQL server. The log must fulfil the contract of every log (checkLogContract). In
 * other tests, a server is killed, hangs, rejects statements, or has a set-up that loses entries.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkLogContract, collect, HeardSession, inChunks, refusal } from "../../../test/support/log-contract.js";
import { postgresMissing, startPostgres, type PostgresServer } from "../../../test/support/postgres-server.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import type { Appended, LogAddress, OrderedLog } from "./ordered-log.js";
import { parsePostgresAddress } from "./postgres-address.js";
import { postgresLog } from "./postgres.js";

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_one, at) => at + 1);
}

/**
 * Adds a user whose password the server checks. The "trust" lines in the server's access rules do not apply to this
 * user.
 */
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
  const make = async (name: string): Promise<OrderedLog> => {
    const log = logAt(server.url, name);
    await log.create("g1");
    return log;
  };

  t.test("the contract of every log", async (t) => {
    const makeForeign = async (): Promise<LogAddress> => {
      await server.sql("CREATE DATABASE anothers");
      await server.sql("CREATE SCHEMA koor", "anothers");
      await server.sql("CREATE TABLE koor.log_entry (colour text)", "anothers");
      return { url: server.url.replace(/postgres$/, "anothers"), name: "foreign", credentials: "" };
    };
    await checkLogContract(t, { url: server.url, open: postgresLog, makeForeign });
  });

  t.test("ids have no gaps, and much is trimmed", async (t) => {
    const log = await make("trim");
    const nodes = [await HeardSession.open(t, log), await HeardSession.open(t, log)] as const;
    const [{ session }, other] = nodes;
    await Promise.all(upTo(600).map((at) => must(nodes[at % 2], "two").append(`entry ${at}`)));
    await Promise.all(nodes.map((node) => node.count(600)));
    for (const node of nodes) t.same(node.ids, upTo(600));
    await session.trim(590);
    t.equal(await session.read(590), null);
    t.equal(Buffer.from(must(await session.read(591), "it is there")).toString(), other.texts[590]);
    t.match((await HeardSession.open(t, log, null)).session.status, { first: 591, last: 600 });
    await session.trim(600);
    t.match((await HeardSession.open(t, log, null)).session.status, { first: 601, last: 600 });
    t.equal(await other.append("next"), "stored");
    await other.count(601);
    t.equal(other.ids.at(-1), 601);
  });

  t.test("the next put deletes the pieces of an aborted or replaced snapshot", async (t) => {
    const { snapshots } = await make("swept");
    const bytes = Buffer.alloc(700_000, 1);
    const put = (position: number): Promise<void> =>
      snapshots.put({ position, generation: "g1" }, inChunks(bytes, bytes.byteLength));
    await put(20);
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error("the disk of who puts it");
    };
    await t.rejects(snapshots.put({ position: 30, generation: "g1" }, breaking()), { message: /the disk/ });
    const left = "SELECT count(*)::int AS count FROM koor.snapshot WHERE sha256 IS NULL AND name = 'swept'";
    t.match(await server.sql(left), [{ count: 1 }]);
    await put(20);
    await put(50);
    t.match(await server.sql(left), [{ count: 0 }]);
    t.match(
      await server.sql(
        "SELECT count(*)::int AS count FROM koor.snapshot_piece WHERE snapshot NOT IN (SELECT id FROM koor.snapshot)",
      ),
      [{ count: 0 }],
    );
  });

  t.test("a snapshot that was changed is detected", async (t) => {
    const { snapshots } = await make("spoilt");
    await snapshots.put({ position: 1, generation: "g1" }, inChunks(Buffer.alloc(1_500_000, 1)));
    const info = must((await snapshots.list())[0], "there is one");
    const pieces = "snapshot = (SELECT id FROM koor.snapshot WHERE name = 'spoilt') AND place = 1";
    await server.sql(
      `UPDATE koor.snapshot_piece SET bytes = set_byte(bytes, 7, get_byte(bytes, 7) # 1) WHERE ${pieces}`,
    );
    t.match(await refusal(collect(snapshots.get(info))), { fault: "foreign" });
    await server.sql(`DELETE FROM koor.snapshot_piece WHERE ${pieces}`);
    t.match(await refusal(collect(snapshots.get(info))), { fault: "foreign" });
  });

  t.test("reports warnings to the operator", async (t) => {
    const { session } = await HeardSession.open(t, await make("warnings"), null);
    t.match(session.status.warnings, [/^PostgreSQL at 127.0.0.1:\d+, database postgres: synchronous_standby_names/]);
    t.equal(session.status.warnings.length, 1);
  });

  t.test("a rejected login is explained without the password", async (t) => {
    await make("order");
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
      const refused = await refusal(logAt(url, "order").open(new HeardSession()));
      t.match(refused, { fault: "denied", message });
      t.notMatch(String(refused), /wr0ng|right/);
    }
    const file = join(makeDirectory(t), "password");
    writeFileSync(file, "right\nanother line\n");
    const inside = logAt(`postgres://agent:wr0ng@${at}/postgres`, "order", file);
    t.match(
      await refusal(inside.open(new HeardSession())),
      { message: /permission denied/ },
      "the file's password is the one",
    );
    t.match(await refusal(logAt(`${server.url}?sslmode=require`, "order").open(new HeardSession())), {
      fault: "unreachable",
    });
  });

  t.test("the first host that answers is taken", async (t) => {
    await make("hosts");
    const at = `127.0.0.1:${server.port}`;
    const socket = encodeURIComponent(server.folder);
    for (const hosts of [`127.0.0.1:1,${at}`, `%2Fnowhere,${socket}:${server.port}`, `${at},127.0.0.1:1`]) {
      const { session } = await HeardSession.open(t, logAt(`postgres://postgres@${hosts}/postgres`, "hosts"), null);
      t.equal(session.status.generation, "g1", hosts);
    }
    const dead = logAt("postgres://postgres@127.0.0.1:1,127.0.0.1:2/postgres", "hosts");
    t.match(await refusal(dead.open(new HeardSession())), {
      fault: "unreachable",
      message: /127.0.0.1:1, .*127.0.0.1:2, /,
    });
  });

  t.test("tables that are not Koor's are left alone", async (t) => {
    await server.sql("CREATE DATABASE theirs");
    const url = `postgres://postgres@127.0.0.1:${server.port}/theirs`;
    const log = logAt(url, "order");
    t.equal(await log.open(new HeardSession()), null);
    await log.create("g1");
    await server.sql("CREATE DATABASE foreigners");
    const foreign = logAt(url.replace("theirs", "foreigners"), "order");
    t.equal(await foreign.open(new HeardSession()), null);
    await foreign.create("g1");
    await server.sql("ALTER TABLE koor.log_entry ADD COLUMN colour text", "foreigners");
    t.match(await refusal(foreign.open(new HeardSession())), { fault: "foreign" });
    t.match(await refusal(foreign.create("g2")), { fault: "foreign" });
    await server.sql("ALTER TABLE koor.log_entry SET UNLOGGED", "theirs");
    t.match(await refusal(log.open(new HeardSession())), { fault: "unsafe" });
    await server.sql("DROP TABLE koor.log_entry", "theirs");
    t.match(await refusal(log.open(new HeardSession())), { fault: "foreign" });
    await log.create("g2");
    t.match((await HeardSession.open(t, log, null)).session.status, { generation: "g2" });
  });

  t.test("a connection that the server ends is reported once, and delivers nothing afterwards", async (t) => {
    const node = await HeardSession.open(t, await make("ended"));
    await node.append("one");
    await node.count(1);
    await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'koor'");
    t.match(await node.loss(), { fault: "unreachable" });
    node.session.append(Buffer.from("late"), () => t.fail("nobody is asked any more"));
    t.match(await refusal(node.session.trim(1)), { fault: "unreachable" });
    await node.session.close();
    t.equal(node.losses.length, 1);
  });

  t.test("a log that ends before the followed position is reported as gone back", async (t) => {
    const node = await HeardSession.open(t, await make("back"), null);
    await node.append("one");
    node.session.follow(2);
    t.match(await node.loss(), { fault: "unreachable", message: /ends at 1: it lacks entries up to 2/ });
  });

  t.test("settings of the role do not weaken a session", async (t) => {
    const log = await make("settings");
    for (const setting of [
      "synchronous_commit = off",
      "default_transaction_read_only = on",
      "default_transaction_isolation = serializable",
      "bytea_output = escape",
    ])
      await server.sql(`ALTER DATABASE postgres SET ${setting}`, "theirs");
    const nodes = [await HeardSession.open(t, log), await HeardSession.open(t, log)] as const;
    t.match(nodes[0].session.status.warnings, [/synchronous_commit/, /standby/]);
    await Promise.all(upTo(50).map((at) => must(nodes[at % 2], "two").append(Buffer.from([0, 255, at]))));
    await nodes[0].count(50);
    t.same(nodes[0].losses, []);
    t.ok(nodes[0].entries.every(({ bytes }) => bytes.byteLength === 3 && bytes[1] === 255));
    await server.sql("ALTER DATABASE postgres RESET ALL", "theirs");
  });

  t.test("a rejected append is distinguished from an unknown outcome", async (t) => {
    const log = await make("refused");
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
    const node = await HeardSession.open(t, log);
    t.equal(await node.append("53100"), "full");
    t.equal(await node.append("54000"), "too_large");
    t.equal(await node.append("fine"), "stored");
    await node.count(1);
    t.same(node.ids, [1], "what was refused has taken no id");
    for (const state of ["P0001", "01000"]) {
      const other = await HeardSession.open(t, log);
      t.equal(await other.append(state), "unknown");
      t.match(other.losses, [{ fault: "unreachable" }]);
    }
    await server.sql("DROP TRIGGER refuse ON koor.log_entry");
  });

  t.test("a commit that no standby has does not count as stored", async (t) => {
    const node = await HeardSession.open(t, await make("alone"));
    t.equal(await node.append("one"), "stored");
    await server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await server.sql("SELECT pg_reload_conf()");
    // Wait until the walsender has the new setting. Each process of the server reads a changed setting on its own.
    const waits = "SELECT pid FROM pg_stat_activity WHERE application_name = 'koor' AND wait_event = 'SyncRep'";
    const outcomes: Appended[] = [];
    const appendMore = (): void =>
      node.session.append(Buffer.from("more"), (outcome) => {
        outcomes.push(outcome);
        if (outcome === "stored") appendMore();
      });
    appendMore();
    while ((await server.sql(waits)).length === 0);
    await server.sql(`SELECT pg_cancel_backend(pid) FROM (${waits}) AS waiting`);
    t.match(await node.loss(), { fault: "unreachable", message: /with a warning/ });
    t.equal(outcomes.at(-1), "unknown");
    await server.sql("ALTER SYSTEM RESET synchronous_standby_names");
    await server.sql("SELECT pg_reload_conf()");
  });

  t.test("acknowledged entries are there after the server was killed", async (t) => {
    const log = await make("killed");
    const nodes = [await HeardSession.open(t, log), await HeardSession.open(t, log)] as const;
    const stored: string[] = [];
    const unknown: string[] = [];
    const working = Promise.all(
      nodes.map(async (node, name) => {
        for (let at = 0; node.losses.length === 0; at += 1) {
          const text = `${name} ${at}`;
          const outcome = await Promise.race([node.append(text), node.loss()]);
          (outcome === "stored" ? stored : unknown).push(text);
        }
      }),
    );
    await nodes[0].count(200);
    await server.kill();
    for (const node of nodes) t.match(await node.loss(), { fault: "unreachable" });
    await working;
    t.match(await refusal(log.open(new HeardSession())), { fault: "unreachable" });
    await server.start();
    const after = await HeardSession.open(t, log);
    const { last } = after.session.status;
    await after.count(last);
    t.same(after.ids, upTo(last));
    const there = new Set(after.texts);
    t.same(
      stored.filter((text) => !there.has(text)),
      [],
      `${stored.length} acknowledged`,
    );
    t.ok(after.texts.every((text) => stored.includes(text) || unknown.includes(text)));
    for (const node of nodes) {
      t.equal(node.losses.length, 1);
      t.same(node.texts, after.texts.slice(0, node.texts.length), "what was delivered is what is there");
    }
  });

  t.test("a server that hangs is noticed within about 5 s", async (t) => {
    const log = await make("frozen");
    const [idle, busy] = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
    server.freeze();
    const frozenMs = performance.now();
    const outcome = busy.append("into the void");
    for (const node of [idle, busy]) t.match(await node.loss(), { fault: "unreachable" });
    const tookMs = performance.now() - frozenMs;
    t.equal(await outcome, "unknown");
    t.ok(tookMs < 8_000, `${Math.round(tookMs)} ms`);
    for (const node of [idle, busy]) t.equal(node.losses.length, 1);
    server.thaw();
    const { session } = await HeardSession.open(t, log, null);
    t.ok(session.status.last <= 1);
  });

  t.test("a server that would lose entries is refused", async (t) => {
    const log = await make("unsafe");
    await server.stop();
    await server.start({ fsync: "off" });
    t.match(await refusal(log.open(new HeardSession())), { fault: "unsafe" });
    t.match(await refusal(log.create("g9")), { fault: "unsafe" });
    await server.stop();
    await server.start({ full_page_writes: "off", synchronous_commit: "local" });
    const { session } = await HeardSession.open(t, log, null);
    t.match(session.status.warnings, [/full_page_writes/, /synchronous_commit/, /synchronous_standby_names/]);
    await server.stop();
    // The server starts in recovery and waits for a primary that does not exist.
    writeFileSync(join(server.folder, "data", "standby.signal"), "");
    await server.start();
    t.match(await refusal(log.open(new HeardSession())), { fault: "unsafe" });
    const both = `127.0.0.1:1,127.0.0.1:${server.port}`;
    const waiting = logAt(`postgres://postgres@${both}/postgres`, "unsafe");
    t.match(await refusal(waiting.open(new HeardSession())), { fault: "unreachable" }, "a failover may be under way");
  });
});
