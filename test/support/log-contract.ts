/**
 * The contract of every ordered log (src/cluster/log/ordered-log.ts): the same checks for each engine. Each engine has
 * its own test for what only this engine does, such as the death of its servers or changed settings.
 */
import type { Test } from "tap";
import { ENTRY_BYTES_MAX } from "../../schemas/limits/cluster.js";
import { must } from "../../src/base/assert.js";
import {
  LogError,
  type Appended,
  type LogAddress,
  type LogFault,
  type LogListener,
  type LogSession,
  type OrderedLog,
  type SnapshotInfo,
  type SnapshotStore,
} from "../../src/cluster/log/ordered-log.js";
import { makeRandom, newSeed, type Random } from "./random.js";

/** The size is not a multiple of the size of a piece, so that swapped pieces are detected. */
const REPEATED_BYTES = 65_537;
/** A port on which no server listens. */
const CLOSED_PORT = 1;

/** An engine, and the values that its check needs. */
export interface CheckedEngine {
  /** The URL of the engine's server. */
  readonly url: string;
  open(address: LogAddress): OrderedLog;
  /** Creates an object that is not a log of Koor, at the place of a log. Returns its address. */
  makeForeign(): Promise<LogAddress>;
}

export interface Delivered {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly last: number;
}

/** A session that records everything it delivers. */
export class HeardSession implements LogListener {
  readonly entries: Delivered[] = [];
  readonly losses: LogError[] = [];
  #session: LogSession | null = null;
  #heard: (() => void)[] = [];

  /** Opens a session on an existing log. */
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

  get ids(): number[] {
    return this.entries.map(({ id }) => id);
  }

  get texts(): string[] {
    return this.entries.map(({ bytes }) => textOf(bytes));
  }

  entry(id: number, bytes: Uint8Array, last: number): void {
    // The bytes are copied, because they may be a view of a buffer that is reused.
    this.entries.push({ id, bytes: bytes.slice(), last });
    this.#notify();
  }

  lost(error: LogError): void {
    this.losses.push(error);
    this.#notify();
  }

  /** Resolves with the outcome. Never resolves if the session is lost first. */
  append(entry: Uint8Array | string): Promise<Appended> {
    const bytes = typeof entry === "string" ? Buffer.from(entry) : entry;
    return new Promise((resolve) => this.session.append(bytes, resolve));
  }

  /** Resolves when the condition is true. It is checked after every callback. */
  until(holds: (heard: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds(this)) resolve();
        else this.#heard.push(look);
      };
      look();
    });
  }

  /** Resolves when this many entries have arrived. Rejects if the session is lost first. */
  async count(entries: number): Promise<void> {
    await this.until((heard) => heard.entries.length >= entries || heard.losses.length > 0);
    if (this.entries.length < entries) throw await this.loss();
  }

  /** Resolves with the error with which the session was lost. */
  async loss(): Promise<LogError> {
    await this.until((heard) => heard.losses.length > 0);
    return must(this.losses[0], "it was lost");
  }

  #notify(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const look of heard) look();
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** Resolves with the error of a request that must fail. */
export async function refusal(asked: Promise<unknown>): Promise<LogError> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

export function fillRandom(random: Random, bytes: number): Uint8Array {
  const repeated = Uint8Array.from({ length: REPEATED_BYTES }, () => random(256));
  return Buffer.alloc(bytes, repeated);
}

export async function* inChunks(bytes: Uint8Array, chunkBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** Yields chunks of random sizes, from a few bytes to many. */
async function* inUnevenChunks(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; ) {
    const chunk = bytes.subarray(at, at + 1 + random(10 ** (1 + random(7))));
    yield chunk;
    at += chunk.byteLength;
  }
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Checks an engine. The engine's server keeps the data of the checks. */
export async function checkLogContract(t: Test, engine: CheckedEngine): Promise<void> {
  const seed = newSeed();
  const random = makeRandom(seed);
  t.comment(`seed ${seed}`);

  let logs = 0;
  const address = (): LogAddress => ({ url: engine.url, name: `contract-${++logs}`, credentials: "" });
  const made = async (t: Test): Promise<OrderedLog> => {
    const log = engine.open(address());
    t.teardown(() => log.snapshots.close());
    await log.create("g1");
    return log;
  };
  const openTwo = async (t: Test, log: OrderedLog): Promise<readonly [HeardSession, HeardSession]> => [
    await HeardSession.open(t, log),
    await HeardSession.open(t, log),
  ];

  await t.test("a log that is not there", async (t) => {
    const log = engine.open(address());
    t.equal(await log.open(new HeardSession()), null);
    t.same(await log.snapshots.list(), []);
    const info = { position: 1, generation: "g1", bytes: 1 };
    await refusal(collect(log.snapshots.get(info)));
    await refusal(log.snapshots.put(info, inChunks(Buffer.alloc(1))));
    await log.snapshots.remove(1);
    t.equal(await log.open(new HeardSession()), null, "nothing of that has made it");
  });

  await t.test("a log that is made, and made anew", async (t) => {
    const log = engine.open(address());
    await log.create("one");
    const first = await HeardSession.open(t, log, null);
    t.match(first.session.status, { generation: "one", first: 1, last: 0 });
    t.equal(await first.session.read(1), null);
    t.equal(await first.append("gone"), "stored");
    await log.snapshots.put({ position: 1, generation: "one" }, inChunks(Buffer.from("gone too")));
    await first.session.close();

    await log.create("two");
    const second = await HeardSession.open(t, log);
    t.match(second.session.status, { generation: "two", first: 1, last: 0 });
    t.same(await log.snapshots.list(), []);
    t.equal(await second.append("first"), "stored");
    await second.count(1);
    t.same(second.texts, ["first"]);
    t.same(first.losses, [], "a session that was closed is not lost");
  });

  await t.test("a log that cannot be had", async (t) => {
    const there = address();
    await engine.open(there).create("g1");
    const nowhere = there.url.replaceAll(/:\d+(?=[/,]|$)/g, `:${CLOSED_PORT}`);
    const refusing: readonly (readonly [fault: LogFault, at: LogAddress])[] = [
      ["denied", { ...there, credentials: "/there/is/no/such/file" }],
      ["unreachable", { ...there, url: nowhere }],
    ];
    for (const [fault, at] of refusing) {
      const log = engine.open(at);
      const { snapshots } = log;
      const info = { position: 1, generation: "g1", bytes: 1 };
      const asked = {
        open: log.open(new HeardSession()),
        create: log.create("g2"),
        list: snapshots.list(),
        put: snapshots.put(info, inChunks(Buffer.alloc(1))),
        get: collect(snapshots.get(info)),
        remove: snapshots.remove(1),
      };
      await Promise.all(
        Object.entries(asked).map(async ([what, answer]) => t.equal((await refusal(answer)).fault, fault, what)),
      );
    }
    const foreign = engine.open(await engine.makeForeign());
    t.equal((await refusal(foreign.open(new HeardSession()))).fault, "foreign");
    t.equal((await refusal(foreign.create("g2"))).fault, "foreign", "what is there is not dropped");
    t.equal((await refusal(foreign.open(new HeardSession()))).fault, "foreign");
    const { session } = await HeardSession.open(t, engine.open(there), null);
    t.equal(session.status.generation, "g1");
  });

  await t.test("two nodes append, and both see the same in the same order", async (t) => {
    const log = await made(t);
    const nodes = await openTwo(t, log);
    const entries = 200;
    await Promise.all(
      nodes.map(async (node, at) => {
        for (let number = 0; number < entries; number++) {
          const text = `${at} ${number} ${"x".repeat(random(2_000))}`;
          t.equal(await node.append(text), "stored");
        }
      }),
    );
    await Promise.all(nodes.map((node) => node.count(2 * entries)));
    const [one, other] = nodes.map((node) => node.entries.map(({ id, bytes }) => `${id} ${textOf(bytes)}`));
    t.same(one, other);
    const heard = must(nodes[0], "there are two").entries;
    const newest = must(heard.at(-1), "the last").id;
    for (const [at, { id, last }] of heard.entries()) {
      const before = heard[at - 1]?.id ?? 0;
      if (id <= before || last < id || last > newest)
        t.fail(`${id} after ${before}, the newest is said to be ${last} and is ${newest}`);
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
      third.ids,
      heard.slice(entries + 1).map(({ id }) => id),
      "who begins in the middle gets what is behind",
    );
    t.equal(third.session.status.last, newest);
  });

  await t.test("several appends that are under way are stored in their order", async (t) => {
    const log = await made(t);
    const [node, other] = await openTwo(t, log);
    const texts = Array.from({ length: 50 }, (_none, number) => `entry ${number}`);
    const outcomes = await Promise.all(texts.map((text) => node.append(text)));
    t.ok(outcomes.every((outcome) => outcome === "stored"));
    for (const heard of [node, other]) {
      await heard.count(texts.length);
      t.same(heard.texts, texts);
    }
  });

  await t.test("who is called may append at once", async (t) => {
    const log = await made(t);
    const node = await HeardSession.open(t, log);
    const last = 20;
    const appendNext = (number: number): void => {
      if (number <= last) node.session.append(Buffer.from(`${number}`), () => appendNext(number + 1));
    };
    appendNext(1);
    appendNext(last);
    await node.count(last + 1);
    t.same(
      node.texts.map(Number).sort((one, other) => one - other),
      [...Array.from({ length: last }, (_none, at) => at + 1), last],
      "each once",
    );
  });

  await t.test("entries of every size, followed and read", async (t) => {
    const log = await made(t);
    const [node, other] = await openTwo(t, log);
    const MIB = 1024 * 1024;
    const sizes = [0, 1, 65_536, MIB - 1, MIB, MIB + 1, 3 * MIB, 7, ENTRY_BYTES_MAX, 2];
    const entries = sizes.map((bytes) => fillRandom(random, bytes));
    for (const bytes of entries) t.equal(await node.append(bytes), "stored", `${bytes.byteLength} bytes`);
    for (const heard of [node, other]) {
      await heard.count(entries.length);
      for (const [at, bytes] of entries.entries())
        t.ok(Buffer.compare(must(heard.entries[at], "it came").bytes, bytes) === 0, `${bytes.byteLength} bytes came`);
    }
    for (const [at, id] of node.ids.entries()) {
      const read = must(await other.session.read(id), "it can be read");
      t.ok(Buffer.compare(read, must(entries[at], "it was stored")) === 0, `${read.byteLength} bytes were read`);
    }
    const last = must(node.ids.at(-1), "the last");
    t.equal(await node.session.read(last + 1), null, "there is none behind the last");
    t.equal(await node.session.read(0), null);
    t.same(await HeardSession.open(t, log, null).then(({ session }) => session.status.last), last);
    t.same([...node.losses, ...other.losses], []);
  });

  await t.test("a session that is paused is told nothing, and then of all that it has missed", async (t) => {
    const log = await made(t);
    const [node, other] = await openTwo(t, log);
    const texts: string[] = [];
    const append = async (by: HeardSession, text: string): Promise<void> => {
      texts.push(text.slice(0, 20));
      t.equal(await by.append(text), "stored");
    };
    await append(node, "before");
    await node.count(1);
    for (let round = 1; round <= 3; round++) {
      node.session.pause();
      // One of the entries is split into pieces.
      for (const [at, by] of [node, other, other].entries())
        await append(by, `${round} ${at} ${"x".repeat(at === 1 ? 3_000_000 : 1)}`);
      await other.count(texts.length);
      t.equal(node.entries.length, texts.length - 3);
      node.session.resume();
      await node.count(texts.length);
    }
    t.same(
      node.texts.map((text) => text.slice(0, 20)),
      texts,
      "each once, in their order",
    );
    // Pauses in the middle of a delivery.
    const resume = node.until(({ entries }) => entries.length > texts.length + 2).then(() => node.session.pause());
    await Promise.all(Array.from({ length: 40 }, (_, at) => other.append(`more ${at}`)));
    await resume;
    node.session.resume();
    await node.count(texts.length + 40);
    t.same(node.texts.slice(texts.length), other.texts.slice(texts.length));
    t.same([...node.losses, ...other.losses], []);
  });

  await t.test("what is trimmed is gone, and nothing else", async (t) => {
    const log = await made(t);
    const node = await HeardSession.open(t, log);
    const early = await HeardSession.open(t, log, null);
    const large = fillRandom(random, 3 * 1024 * 1024);
    for (const bytes of ["one", large, "three", large, "five"]) t.equal(await node.append(bytes), "stored");
    await node.count(5);
    const [one = 0, two = 0, three = 0, four = 0, five = 0] = node.ids;
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
    // The id before a large entry may be the id of one of the entry's pieces.
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
    t.same(late.ids, [four, five]);
    early.session.follow(one);
    for (const behind of [early, await HeardSession.open(t, log, one)]) {
      t.match(await behind.loss(), { fault: "unreachable" }, "what it was to get is gone, and it is told so");
      t.same(behind.entries, []);
    }
    await node.session.trim(five + 1_000);
    const { first, last } = await status();
    t.equal(last, five, "an id is never used again");
    t.equal(first, five + 1);
    const empty = await HeardSession.open(t, log, five);
    t.equal(await node.append("six"), "stored");
    for (const heard of [node, empty]) {
      await heard.until(({ texts }) => texts.at(-1) === "six");
      t.ok(must(heard.ids.at(-1), "the sixth") > five);
      t.same(heard.losses, []);
    }
  });

  await t.test("a log that is made anew ends the sessions of the old one", async (t) => {
    const log = await made(t);
    const [idle, busy] = await openTwo(t, log);
    const old = await HeardSession.open(t, log, null);
    t.equal(await busy.append("old"), "stored");
    await Promise.all([idle.count(1), busy.count(1)]);
    await log.create("g2");
    const other = await HeardSession.open(t, log);
    t.match(other.session.status, { generation: "g2", first: 1, last: 0 });
    t.equal(await other.append("new"), "stored");
    await other.count(1);
    // The session may not have noticed this yet, or may be lost already. In both cases, the error is about the old log.
    const [id = 0] = other.ids;
    const [read] = await Promise.allSettled([old.session.read(id), old.session.trim(id)]);
    t.ok(read.status === "rejected" || read.value === null, "what is read is not the new one's");
    t.equal(textOf(must(await other.session.read(id), "what is trimmed is not either")), "new");
    t.not(await Promise.race([busy.append("meant for the old one"), busy.loss()]), "stored");
    for (const node of [idle, busy]) {
      t.match(await node.loss(), { fault: "unreachable" });
      node.session.append(Buffer.from("late"), () => t.fail("nobody is asked any more"));
      await refusal(node.session.trim(1));
      await node.session.close();
      t.same(node.texts, ["old"]);
      t.equal(node.losses.length, 1, "it was lost once");
    }
    t.equal(await other.append("newer"), "stored");
    await other.count(2);
    t.same(other.texts, ["new", "newer"], "nothing that was meant for the old one got into it");
    t.same(other.losses, []);
  });

  await t.test("a session that is closed is told nothing more", async (t) => {
    const log = await made(t);
    const [node, other] = await openTwo(t, log);
    t.equal(await node.append("one"), "stored");
    await node.count(1);
    const silent = (): void => void t.fail("nobody is asked any more");
    node.session.append(Buffer.from("on its way"), silent);
    await node.session.close();
    node.session.append(Buffer.from("too late"), silent);
    await refusal(node.session.read(1));
    await refusal(node.session.trim(1));
    t.equal(await other.append("three"), "stored");
    await other.until(({ texts }) => texts.includes("three"));
    t.notOk(other.texts.includes("too late"));
    t.same(node.texts, ["one"]);
    t.same(node.losses, []);
    await node.session.close();
  });

  await t.test("snapshots", async (t) => {
    const { snapshots } = await made(t);
    t.same(await snapshots.list(), []);
    const texts = new Map<number, Uint8Array>();
    for (const [position, bytes] of [
      [20, 1_000_000],
      [3, 1],
      [100, 0],
      [7, 3_000_001],
    ] as const) {
      texts.set(position, fillRandom(random, bytes));
      const chunks = inUnevenChunks(must(texts.get(position), "it was made"), random);
      await snapshots.put({ position, generation: "g1" }, chunks);
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
      t.ok(Buffer.compare(await collect(snapshots.get(info)), must(texts.get(info.position), "it was put")) === 0);

    const replaced = fillRandom(random, 300_000);
    await snapshots.put({ position: 20, generation: "g1" }, inChunks(replaced));
    const found = must(
      (await snapshots.list()).find(({ position }) => position === 20),
      "the newer one of two is there",
    );
    t.same(found, { position: 20, generation: "g1", bytes: replaced.byteLength });
    t.ok(Buffer.compare(await collect(snapshots.get(found)), replaced) === 0);
    await refusal(collect(snapshots.get({ ...found, bytes: 1_000_000 })));
    await refusal(collect(snapshots.get({ ...found, generation: "g2" })));

    const failure = new Error("its maker has failed");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* inChunks(replaced);
      throw failure;
    }
    await t.rejects(snapshots.put({ position: 200, generation: "g1" }, broken()), failure);
    await t.rejects(snapshots.put({ position: 20, generation: "g1" }, broken()), failure);
    t.same(await positionsOf(snapshots), [3, 7, 20, 100], "what broke off is not there, and what it was to replace is");
    t.ok(Buffer.compare(await collect(snapshots.get(found)), replaced) === 0);

    await snapshots.remove(20);
    await snapshots.remove(20);
    t.same(await positionsOf(snapshots), [3, 7, 100]);
    await refusal(collect(snapshots.get(found)));
  });

  await t.test("snapshots that are put at the same time", async (t) => {
    const { snapshots } = await made(t);
    const bytes = fillRandom(random, 1_500_000);
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield* inChunks(bytes);
      await snapshots.put({ position: 2, generation: "g1" }, inChunks(bytes));
      yield* inChunks(bytes);
    }
    await snapshots.put({ position: 1, generation: "g1" }, slow());
    const [one, other] = await snapshots.list();
    t.match([one, other], [{ position: 1 }, { position: 2 }]);
    t.ok(Buffer.compare(await collect(snapshots.get(must(one, "one"))), Buffer.concat([bytes, bytes])) === 0);
    t.ok(Buffer.compare(await collect(snapshots.get(must(other, "other"))), bytes) === 0);
  });

  await t.test("a store of snapshots that is closed breaks off what is under way", async (t) => {
    const { snapshots } = await made(t);
    const bytes = fillRandom(random, 2_000_000);
    const info = { position: 1, generation: "g1", bytes: bytes.byteLength };
    await snapshots.put(info, inChunks(bytes));
    for await (const chunk of snapshots.get(info)) {
      t.ok(chunk.byteLength > 0);
      break;
    }
    const dropped = snapshots.get(info)[Symbol.asyncIterator]();
    t.notOk((await dropped.next()).done, "and then nobody asks for more, and nobody says so");
    await snapshots.close();

    const begun = [
      snapshots.list(),
      collect(snapshots.get(info)),
      snapshots.put({ ...info, position: 2 }, inChunks(bytes)),
      snapshots.remove(1),
    ].map(refusal);
    await snapshots.close();
    await Promise.all(begun);

    let release = (): void => undefined;
    const closings: Promise<void>[] = [];
    async function* held(): AsyncGenerator<Uint8Array> {
      yield* inChunks(bytes);
      closings.push(snapshots.close());
      await new Promise<void>((resolve) => (release = resolve));
      yield* inChunks(bytes);
    }
    await refusal(snapshots.put({ position: 2, generation: "g1" }, held()));
    await must(closings[0], "it was closed in the middle of the put");
    release();
    t.same(await positionsOf(snapshots), [1], "what is asked later is answered");
    await snapshots.put({ position: 2, generation: "g1" }, inChunks(bytes));
    t.ok(Buffer.compare(await collect(snapshots.get({ ...info, position: 2 })), bytes) === 0);
    t.same(await positionsOf(snapshots), [1, 2]);
  });
}

async function positionsOf(snapshots: SnapshotStore): Promise<number[]> {
  return (await snapshots.list()).map(({ position }) => position);
}

function byPosition(one: SnapshotInfo, other: SnapshotInfo): number {
  return one.position - other.position;
}
