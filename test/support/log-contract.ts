/**
 * What every ordered log keeps, whatever engine it is (src/ordered-log/ordered-log.ts): the same checks for each of
 * them. What only one engine has (its servers killed, its settings changed) its own test looks at.
 */
import type { Test } from "tap";
import { must } from "../../src/base/assert.js";
import type {
  Appended,
  LogError,
  LogListener,
  LogSession,
  OrderedLog,
  SnapshotInfo,
} from "../../src/ordered-log/ordered-log.js";
import { makeRandom, newSeed, type Random } from "./random.js";

/** A value of 10 MiB as an entry carries it. */
const LARGE_BYTES = 12 * 1024 * 1024;

export interface Delivered {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly last: number;
}

/** A session, and all that it was told. */
export class HeardSession implements LogListener {
  readonly entries: Delivered[] = [];
  readonly losses: LogError[] = [];
  #session: LogSession | null = null;
  #heard: (() => void)[] = [];

  /** Opens a session of a log that is there. */
  static async open(t: Pick<Test, "teardown">, log: OrderedLog, after: number | null = 0): Promise<HeardSession> {
    const heard = new HeardSession();
    heard.#session = must(await log.open(heard), "the log is there");
    t.teardown(() => heard.session.close());
    if (after !== null) heard.session.follow(after);
    return heard;
  }

  get session(): LogSession {
    return must(this.#session, "the session is open");
  }

  entry(id: number, bytes: Uint8Array, last: number): void {
    // A view may be a part of what is read next.
    this.entries.push({ id, bytes: bytes.slice(), last });
    this.#tell();
  }

  lost(error: LogError): void {
    this.losses.push(error);
    this.#tell();
  }

  append(bytes: Uint8Array): Promise<Appended> {
    return new Promise((resolve) => this.session.append(bytes, resolve));
  }

  /** Resolves when this holds; it is looked at with whatever is heard. */
  until(holds: (heard: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds(this)) resolve();
        else this.#heard.push(look);
      };
      look();
    });
  }

  /** Resolves when so many entries have come. */
  count(entries: number): Promise<void> {
    return this.until((heard) => heard.entries.length >= entries);
  }

  /** Resolves with why the session was lost. */
  async loss(): Promise<LogError> {
    await this.until((heard) => heard.losses.length > 0);
    return must(this.losses[0], "it was lost");
  }

  #tell(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const look of heard) look();
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function fillRandom(random: Random, bytes: number): Uint8Array {
  const filled = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) filled.writeUInt32LE(random(2 ** 32), at);
  return filled;
}

async function* inChunks(bytes: Uint8Array, chunk_bytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunk_bytes) yield bytes.subarray(at, at + chunk_bytes);
}

async function join(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/**
 * Checks an engine.
 * @param open a log under a name of its own, which is not there yet; each call another one
 */
export async function checkLogContract(t: Test, open: () => OrderedLog): Promise<void> {
  const seed = newSeed();
  const random = makeRandom(seed);
  t.comment(`seed ${seed}`);

  const made = async (t: Test, generation = "g1"): Promise<OrderedLog> => {
    const log = open();
    t.teardown(() => log.snapshots.close());
    await log.create(generation);
    return log;
  };

  await t.test("a log that is not there, one that is made, and one that is made anew", async (t) => {
    const log = open();
    t.equal(await log.open(new HeardSession()), null);
    await log.create("one");
    const first = await HeardSession.open(t, log, null);
    t.match(first.session.status, { generation: "one", first: 1, last: 0 });
    t.equal(await first.append(Buffer.from("gone")), "stored");
    await log.snapshots.put({ position: 1, generation: "one" }, inChunks(Buffer.from("gone too")));
    await first.session.close();

    await log.create("two");
    const second = await HeardSession.open(t, log);
    t.match(second.session.status, { generation: "two", first: 1, last: 0 });
    t.same(await log.snapshots.list(), []);
    t.equal(await second.append(Buffer.from("first")), "stored");
    await second.count(1);
    t.equal(textOf(must(second.entries[0], "one entry").bytes), "first");
    t.same(first.losses, [], "a session that was closed is not lost");
  });

  await t.test("two nodes append, and both see the same in the same order", async (t) => {
    const log = await made(t);
    const nodes = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
    const entries = 200;
    await Promise.all(
      nodes.map(async (node, at) => {
        for (let number = 0; number < entries; number++) {
          const text = `${at} ${number} ${"x".repeat(random(2_000))}`;
          t.equal(await node.append(Buffer.from(text)), "stored");
        }
      }),
    );
    await Promise.all(nodes.map((node) => node.count(2 * entries)));
    const [one, other] = nodes.map((node) => node.entries.map(({ id, bytes }) => `${id} ${textOf(bytes)}`));
    t.same(one, other);
    const heard = must(nodes[0], "there are two").entries;
    for (const [at, { id, last }] of heard.entries()) {
      const before = heard[at - 1]?.id ?? 0;
      if (id <= before || last < id) t.fail(`${id} after ${before}, the newest is said to be ${last}`);
    }
    for (const at of [0, 1]) {
      const own = heard.map(({ bytes }) => textOf(bytes)).filter((text) => text.startsWith(`${at} `));
      t.same(
        own.map((text) => Number(text.split(" ")[1])),
        Array.from({ length: entries }, (_none, number) => number),
        "a node's own are in the order in which it appended them, none twice",
      );
    }
    const third = await HeardSession.open(t, log, must(heard[entries], "the middle").id);
    await third.count(entries - 1);
    t.same(
      third.entries.map(({ id }) => id),
      heard.slice(entries + 1).map(({ id }) => id),
      "who begins in the middle gets what is behind",
    );
    t.equal(third.session.status.last, must(heard.at(-1), "the last").id);
  });

  await t.test("several appends that are under way are stored in their order", async (t) => {
    const log = await made(t);
    const node = await HeardSession.open(t, log);
    const texts = Array.from({ length: 50 }, (_none, number) => `entry ${number}`);
    const outcomes = await Promise.all(texts.map((text) => node.append(Buffer.from(text))));
    t.ok(outcomes.every((outcome) => outcome === "stored"));
    await node.count(texts.length);
    t.same(
      node.entries.map(({ bytes }) => textOf(bytes)),
      texts,
    );
  });

  await t.test("entries of every size, followed and read", async (t) => {
    const log = await made(t);
    const [node, other] = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
    const MIB = 1024 * 1024;
    const sizes = [0, 1, 65_536, MIB - 1, MIB, MIB + 1, 3 * MIB, LARGE_BYTES, 7];
    const entries = sizes.map((bytes) => fillRandom(random, bytes));
    for (const bytes of entries) t.equal(await node.append(bytes), "stored", `${bytes.byteLength} bytes`);
    for (const heard of [node, other]) {
      await heard.count(entries.length);
      for (const [at, bytes] of entries.entries())
        t.ok(Buffer.compare(must(heard.entries[at], "it came").bytes, bytes) === 0, `${bytes.byteLength} bytes came`);
    }
    for (const [at, { id }] of node.entries.entries()) {
      const read = must(await other.session.read(id), "it can be read");
      t.ok(Buffer.compare(read, must(entries[at], "it was stored")) === 0, `${read.byteLength} bytes were read`);
    }
    const last = must(node.entries.at(-1), "the last");
    t.equal(await node.session.read(last.id + 1), null, "there is none behind the last");
    t.equal(await node.session.read(0), null);
    t.same(await HeardSession.open(t, log, null).then(({ session }) => session.status.last), last.id);
  });

  await t.test("what is trimmed is gone, and nothing else", async (t) => {
    const log = await made(t);
    const node = await HeardSession.open(t, log);
    const large = fillRandom(random, 3 * 1024 * 1024);
    for (const bytes of [Buffer.from("one"), large, Buffer.from("three"), large, Buffer.from("five")])
      t.equal(await node.append(bytes), "stored");
    await node.count(5);
    const ids = node.entries.map(({ id }) => id);
    const [one = 0, two = 0, three = 0, four = 0, five = 0] = ids;
    const status = async (): Promise<{ readonly first: number; readonly last: number }> => {
      const { session } = await HeardSession.open(t, log, null);
      const { first, last } = session.status;
      await session.close();
      return { first, last };
    };
    t.same(await status(), { first: 1, last: five });
    await node.session.trim(0);
    t.same(await status(), { first: 1, last: five }, "nothing is as old as that");
    await node.session.trim(one);
    t.same(await status(), { first: one + 1, last: five }, "who has come as far as was trimmed misses nothing");
    t.equal(await node.session.read(one), null);
    t.equal(must(await node.session.read(two), "the next is whole").byteLength, large.byteLength);
    // One less than a large entry's id may be a piece of it.
    await node.session.trim(two - 1);
    t.equal(must(await node.session.read(two), "it is not cut in half").byteLength, large.byteLength);
    t.same(await status(), { first: one + 1, last: five });
    await node.session.trim(two);
    t.same(await status(), { first: two + 1, last: five });
    t.equal(await node.session.read(two), null);
    await node.session.trim(four - 1);
    t.equal(must(await node.session.read(four), "nor is this one").byteLength, large.byteLength);
    const late = await HeardSession.open(t, log, three);
    await late.count(2);
    t.same(
      late.entries.map(({ id }) => id),
      [four, five],
    );
    await node.session.trim(five + 1_000);
    const { first, last } = await status();
    t.equal(last, five, "an id is never used again");
    t.equal(first, five + 1);
    t.equal(await node.append(Buffer.from("six")), "stored");
    await node.count(6);
    t.ok(must(node.entries[5], "the sixth").id > five);
    t.same(node.losses, []);
  });

  await t.test("a session that is closed is told nothing more", async (t) => {
    const log = await made(t);
    const [node, other] = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
    await node.append(Buffer.from("one"));
    await node.count(1);
    await node.session.close();
    node.session.append(Buffer.from("two"), () => t.fail("nobody is asked any more"));
    t.equal(await other.append(Buffer.from("three")), "stored");
    await other.until(({ entries }) => entries.some(({ bytes }) => textOf(bytes) === "three"));
    t.equal(node.entries.length, 1);
    t.same(node.losses, []);
  });

  await t.test("snapshots", async (t) => {
    const { snapshots } = await made(t);
    t.same(await snapshots.list(), []);
    const texts = new Map<number, Uint8Array>();
    for (const [position, bytes] of [
      [20, 1_000_000],
      [3, 1],
      [100, 0],
    ] as const) {
      texts.set(position, fillRandom(random, bytes));
      await snapshots.put({ position, generation: "g1" }, inChunks(must(texts.get(position), "it was made")));
    }
    const listed = await snapshots.list();
    t.same(
      listed,
      [...texts]
        .map(([position, { byteLength }]) => ({ position, generation: "g1", bytes: byteLength }))
        .sort(byPosition),
      "the newest last",
    );
    for (const info of listed)
      t.ok(Buffer.compare(await join(snapshots.get(info)), must(texts.get(info.position), "it was put")) === 0);

    const replaced = fillRandom(random, 300_000);
    await snapshots.put({ position: 20, generation: "g1" }, inChunks(replaced));
    const found = (await snapshots.list()).filter(({ position }) => position === 20);
    t.same(found, [{ position: 20, generation: "g1", bytes: replaced.byteLength }], "the newer one of two is there");
    t.ok(Buffer.compare(await join(snapshots.get(must(found[0], "one"))), replaced) === 0);
    const old: SnapshotInfo = { position: 20, generation: "g1", bytes: 1_000_000 };
    await t.rejects(join(snapshots.get(old)), { name: "LogError" }, "what was replaced is not what was asked for");

    const failure = new Error("its maker has failed");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* inChunks(replaced);
      throw failure;
    }
    await t.rejects(snapshots.put({ position: 200, generation: "g1" }, broken()), failure);
    await t.rejects(snapshots.put({ position: 20, generation: "g1" }, broken()), failure);
    t.same(
      (await snapshots.list()).map(({ position }) => position),
      [3, 20, 100],
      "what broke off is not there, and what it was to replace is",
    );
    t.ok(Buffer.compare(await join(snapshots.get(must(found[0], "one"))), replaced) === 0);

    await snapshots.remove(20);
    await snapshots.remove(20);
    t.same(
      (await snapshots.list()).map(({ position }) => position),
      [3, 100],
    );
    await t.rejects(join(snapshots.get(must(found[0], "one"))), { name: "LogError" });
  });

  await t.test("a snapshot that is read in part, and one whose writer is cut off", async (t) => {
    const { snapshots } = await made(t);
    const bytes = fillRandom(random, 2_000_000);
    await snapshots.put({ position: 1, generation: "g1" }, inChunks(bytes));
    for await (const chunk of snapshots.get({ position: 1, generation: "g1", bytes: bytes.byteLength })) {
      t.ok(chunk.byteLength > 0);
      break;
    }
    let release = (): void => undefined;
    async function* held(): AsyncGenerator<Uint8Array> {
      yield* inChunks(bytes);
      void snapshots.close();
      await new Promise<void>((resolve) => (release = resolve));
    }
    await t.rejects(snapshots.put({ position: 2, generation: "g1" }, held()), { name: "LogError" });
    release();
    t.same(
      (await snapshots.list()).map(({ position }) => position),
      [1],
    );
  });
}

function byPosition(one: SnapshotInfo, other: SnapshotInfo): number {
  return one.position - other.position;
}
