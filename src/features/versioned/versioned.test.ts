/**
 * Tests the versioned store on a real database against a naive model. The model is a plain list of versions for each
 * key. The test does random writes, compare-and-swaps, deletions, rollbacks to a version, rolled-back transactions and
 * reopenings. After each step, reads must return the same as the model, and the number of rows must be within its
 * limit.
 */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import t from "tap";
import { countRounds } from "../../../test/support/test-size.js";
import { HEAD_CACHE_KEYS_MAX, VERSION_MARK_INTERVAL } from "../../../schemas/limits/versioned.js";
import type { Condition } from "../../../schemas/versioned.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { shorten } from "../../../shared/shorten.js";
import { Failure } from "../../base/result.js";
import { WriteBuffer } from "../../platform/store/write-buffer.js";
import { openReader, openWriter, type Db } from "../../platform/store/open.js";
import { VersionedWriter } from "./commands.js";
import { STATE } from "./space.js";
import { VersionedReader, type Version } from "./table.js";

interface ModelVersion {
  readonly value: string;
  readonly content_type: string;
  readonly updated_at: number;
  readonly updated_by: string;
}

interface ModelKey {
  readonly versions: readonly ModelVersion[];
  readonly live: boolean;
}

/**
 * The maximum number of rows of a key that are not readable any more. They are removed when the next mark is written.
 * Until then, they are at most two incomplete segments.
 */
const ROWS_BEHIND_MAX = 2 * VERSION_MARK_INTERVAL - 2;
const OTHER_HASH = "0".repeat(64);

const KEYS = [
  "a",
  "a/b",
  "a//b",
  "a/",
  "b",
  "é",
  "ä/ö",
  "%",
  "a%",
  "_",
  "'",
  '"',
  " ",
  "A",
  "\uE000",
  "\uFFFD",
  "😀",
  "😀/x",
  "\u{10FFFF}",
  "a\u{10FFFF}",
  "a\u{10FFFF}z",
  "x".repeat(1024),
] as const;
const PREFIXES = [
  "",
  "a",
  "a/",
  "a//",
  "é",
  "\uE000",
  "\uFFFD",
  "😀",
  "\u{10FFFF}",
  "a\u{10FFFF}",
  "\u007f",
  "%",
  "nothing",
  "x".repeat(1024),
] as const;

/** The data on which a condition depends. `etag` is the current tag, or any tag if the key has no value. */
interface Circumstances {
  readonly etag: string;
  readonly version: number;
  readonly exists: boolean;
}

/**
 * Conditions as clients send them. This table also says whether each of them holds. So the test need not compare tags.
 */
const CONDITIONS = {
  "none at all": () => [null, true],
  "match current": ({ etag, exists }) => [{ if_match: etag }, exists],
  "match other": () => [{ if_match: `"${OTHER_HASH}"` }, false],
  "match any": ({ exists }) => [{ if_match: "*" }, exists],
  "match weakly": ({ etag }) => [{ if_match: `W/${etag}` }, false],
  "match in a list": ({ etag, exists }) => [{ if_match: `"x", ${etag}` }, exists],
  "match garbage": ({ etag }) => [{ if_match: etag.slice(1) }, false],
  "not any": ({ exists }) => [{ if_none_match: "*" }, !exists],
  "not current": ({ etag, exists }) => [{ if_none_match: etag }, !exists],
  "not weakly": ({ etag, exists }) => [{ if_none_match: `"x",W/${etag}` }, !exists],
  "not other": () => [{ if_none_match: `"${OTHER_HASH}"` }, true],
  "version current": ({ version }) => [{ if_version: version }, true],
  "version zero": ({ exists }) => [{ if_version: 0 }, !exists],
  "version other": ({ version }) => [{ if_version: version + 1 }, false],
  "version current, match other": ({ version }) => [{ if_version: version, if_match: `"${OTHER_HASH}"` }, false],
} as const satisfies Record<string, (circumstances: Circumstances) => readonly [Condition | null, boolean]>;
type ConditionKind = keyof typeof CONDITIONS;

/**
 * An operation of a run. `looked` says whether the test checks its effect afterwards. The check empties the write
 * buffer.
 */
type Operation =
  | ((
      | { readonly op: "put"; readonly key: string; readonly value: string; readonly condition: ConditionKind }
      | { readonly op: "delete"; readonly key: string; readonly condition: ConditionKind }
      | { readonly op: "rollback"; readonly key: string; readonly back: number; readonly condition: ConditionKind }
      | { readonly op: "many"; readonly key: string; readonly count: number }
    ) & { readonly looked: boolean })
  | { readonly op: "commit" | "abort" | "reopen" };

function hashOf(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}

function bytesOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The store under test and its model. Throws if they differ. */
class Pair {
  readonly #directory: string;
  readonly #keep: number;
  #db: Db;
  #outside: Db;
  #rows: WriteBuffer;
  #writer: VersionedWriter;
  #reader: VersionedReader;
  #model = new Map<string, ModelKey>();
  #committed = new Map<string, ModelKey>();
  #nowMs = 1_700_000_000_000;

  constructor(directory: string, keep: number) {
    this.#directory = directory;
    this.#keep = keep;
    [this.#db, this.#outside, this.#rows, this.#writer, this.#reader] = this.#open();
    this.#db.exec("BEGIN");
  }

  run(operation: Operation): void {
    switch (operation.op) {
      case "put":
        this.#write(operation.key, operation.condition, (condition) =>
          this.#put(operation.key, operation.value, condition),
        );
        break;
      case "many":
        for (let at = 0; at < operation.count; at++) this.#put(operation.key, `many ${at}`, null);
        break;
      case "delete":
        this.#write(operation.key, operation.condition, (condition) => this.#delete(operation.key, condition));
        break;
      case "rollback":
        this.#write(operation.key, operation.condition, (condition) =>
          this.#rollback(operation.key, operation.back, condition),
        );
        break;
      case "commit":
        this.#rows.write();
        this.#db.exec("COMMIT");
        this.#committed = new Map(this.#model);
        break;
      case "abort":
        this.#rows.forget();
        this.#db.exec("ROLLBACK");
        this.#writer.reload();
        this.#model = new Map(this.#committed);
        break;
      case "reopen":
        // Close the store without a commit, as a crash does.
        this.close();
        [this.#db, this.#outside, this.#rows, this.#writer, this.#reader] = this.#open();
        this.#model = new Map(this.#committed);
        break;
    }
    if ("key" in operation) {
      if (!operation.looked) return;
      this.#rows.write();
      this.#checkKey(this.#reader, this.#model, operation.key);
      return;
    }
    this.check();
    this.#db.exec("BEGIN");
  }

  /** Checks all reads through the writer's handle, and again through a reader's handle. */
  check(): void {
    const outside = new VersionedReader(this.#outside, STATE, this.#keep);
    for (const key of KEYS) {
      this.#checkKey(this.#reader, this.#model, key);
      this.#checkKey(outside, this.#committed, key);
    }
    for (const prefix of PREFIXES) {
      for (const after of ["", ...KEYS]) {
        for (const limit of [1, 3, 1000]) this.#checkList(prefix, after, limit);
      }
    }
    const live = [...this.#model.values()].filter((each) => each.live).length;
    this.#equal("keys", [this.#writer.keys, this.#reader.count()], [live, live]);
    if (this.#keep === 0) return;
    let bound = 0;
    for (const { versions } of this.#model.values()) bound += Math.min(versions.length, this.#keep + ROWS_BEHIND_MAX);
    const rows = this.#db.prepare<[], number>("SELECT count(*) FROM state_version").pluck().get() as unknown as number;
    if (rows > bound) throw new Error(`${rows} rows are kept, at most ${bound} are wanted`);
  }

  close(): void {
    this.#outside.close();
    this.#db.close();
  }

  #open(): [Db, Db, WriteBuffer, VersionedWriter, VersionedReader] {
    const db = openWriter(this.#directory);
    // Do not wait for the disk. The test covers no power failures, and has hundreds of runs.
    db.pragma("synchronous = OFF");
    const rows = new WriteBuffer(db);
    return [
      db,
      openReader(this.#directory),
      rows,
      new VersionedWriter(db, rows, STATE, this.#keep),
      new VersionedReader(db, STATE, this.#keep),
    ];
  }

  #state(key: string): { readonly known: ModelKey; readonly version: number; readonly etag: string | null } {
    const known = this.#model.get(key) ?? { versions: [], live: false };
    const last = known.versions.at(-1);
    return known.live && last !== undefined
      ? { known, version: known.versions.length, etag: `"${hashOf(last.value)}"` }
      : { known, version: 0, etag: null };
  }

  /**
   * Makes a conditional write. The store must execute it if CONDITIONS says that the condition holds. Otherwise the
   * store must reject it.
   */
  #write(key: string, kind: ConditionKind, write: (condition: Condition | null) => unknown): void {
    const { version, etag } = this.#state(key);
    const [condition, holds] = CONDITIONS[kind]({ etag: etag ?? `"${OTHER_HASH}"`, version, exists: etag !== null });
    const before = new Map(this.#model);
    const reply = write(condition);
    const refused = reply instanceof Failure && reply.status === "FAILED_PRECONDITION";
    this.#equal(`${kind} on ${key}`, refused, !holds);
    if (!refused) return;
    this.#equal("412", [reply.members, this.#model], [{ current_version: version, current_etag: etag }, before]);
  }

  #append(key: string, version: ModelVersion, reply: unknown): unknown {
    if (reply instanceof Failure) return reply;
    const versions = [...(this.#model.get(key)?.versions ?? []), version];
    this.#model.set(key, { versions, live: true });
    this.#equal("reply", reply, {
      version: versions.length,
      hash: hashOf(version.value),
      content_type: version.content_type,
      updated_at: version.updated_at,
    });
    return reply;
  }

  #put(key: string, value: string, condition: Condition | null): unknown {
    const updatedAt = this.#nowMs++;
    const contentType = value.length % 2 === 0 ? "text/plain" : "application/json";
    const reply = this.#writer.put(key, Buffer.from(value), contentType, condition, updatedAt, `by ${value}`);
    return this.#append(
      key,
      { value, content_type: contentType, updated_at: updatedAt, updated_by: `by ${value}` },
      reply,
    );
  }

  #delete(key: string, condition: Condition | null): unknown {
    const { known, version, etag } = this.#state(key);
    const reply = this.#writer.delete(key, condition);
    if (reply instanceof Failure) {
      if (reply.status === "NOT_FOUND")
        this.#equal("404", [reply.message, known.live], [`key not found: ${shorten(key)}`, false]);
      return reply;
    }
    this.#equal("deleted", [reply.version, `"${reply.hash.toString("hex")}"`], [version, etag]);
    this.#model.set(key, { versions: known.versions, live: false });
    return reply;
  }

  #rollback(key: string, back: number, condition: Condition | null): unknown {
    const { known } = this.#state(key);
    const number = known.versions.length - back;
    const updatedAt = this.#nowMs++;
    const old = this.#readable(known, number);
    const reply = this.#writer.rollback(key, number, condition, updatedAt, "back");
    if (reply instanceof Failure && reply.status === "NOT_FOUND") {
      const message =
        known.versions.length === 0
          ? `key not found: ${shorten(key)}`
          : `version ${number} not found for key: ${shorten(key)}`;
      this.#equal("404", [reply.message, old], [message, undefined]);
    }
    if (!(reply instanceof Failure) && old === undefined)
      throw new Error(`version ${number} of ${key} came back from nowhere`);
    return old === undefined ? reply : this.#append(key, { ...old, updated_at: updatedAt, updated_by: "back" }, reply);
  }

  #readable({ versions }: ModelKey, number: number): ModelVersion | undefined {
    const oldest = this.#keep === 0 ? 1 : versions.length - this.#keep + 1;
    return number < oldest ? undefined : versions[number - 1];
  }

  #checkKey(reader: VersionedReader, model: ReadonlyMap<string, ModelKey>, key: string): void {
    const known = model.get(key) ?? { versions: [], live: false };
    const newest = known.versions.length;
    const plain = (version: Version | undefined): unknown =>
      version && [
        version.version,
        version.value.toString(),
        version.hash.toString("hex"),
        version.content_type,
        version.updated_at,
        version.updated_by,
      ];
    const expected = (number: number): unknown => {
      const version = this.#readable(known, number);
      return (
        version && [
          number,
          version.value,
          hashOf(version.value),
          version.content_type,
          version.updated_at,
          version.updated_by,
        ]
      );
    };
    this.#equal(`current ${key}`, plain(reader.current(key)), known.live ? expected(newest) : undefined);
    this.#equal(
      `head ${key}`,
      [reader.head(key)?.version, reader.gone(key)?.version],
      newest === 0 ? [undefined, undefined] : known.live ? [newest, undefined] : [undefined, newest],
    );
    // Check every version of a short history. Of a long one, check the versions at both ends and around each mark.
    for (let number = 0; number <= newest + 1; number++) {
      const edge = Math.min(Math.abs(number - (newest - this.#keep)), number, newest + 1 - number);
      if (newest > 40 && edge > 2 && Math.abs(((number + 1) % VERSION_MARK_INTERVAL) - 1) > 1) continue;
      this.#equal(`version ${number} of ${key}`, plain(reader.version(key, number)), expected(number));
      const bytes = Buffer.byteLength(this.#readable(known, number)?.value ?? "");
      this.#equal(`bytes of version ${number} of ${key}`, reader.bytes(key, number), bytes);
    }
    for (const limit of [1, 3, 10_000]) {
      const numbers = reader.history(key, limit)?.map((info) => info.version);
      const wanted: number[] = [];
      for (let number = newest; wanted.length < limit && this.#readable(known, number) !== undefined; number--)
        wanted.push(number);
      this.#equal(`history of ${key}`, numbers, newest === 0 ? undefined : wanted);
    }
  }

  #checkList(prefix: string, after: string, limit: number): void {
    const expected = [...this.#model]
      .filter(([key, { live }]) => live && key.startsWith(prefix) && bytesOrder(key, after) > 0)
      .toSorted(([a], [b]) => bytesOrder(a, b))
      .slice(0, limit)
      .map(([key, { versions }]) => ({
        key,
        version: versions.length,
        content_type: versions.at(-1)?.content_type,
        updated_at: versions.at(-1)?.updated_at,
      }));
    this.#equal(`list ${JSON.stringify({ prefix, after, limit })}`, this.#reader.list(prefix, after, limit), expected);
    this.#equal(
      `exceeds ${JSON.stringify({ prefix, after, limit })}`,
      this.#reader.listExceeds(prefix, after, limit - 1),
      expected.length === limit,
    );
  }

  #equal(what: string, found: unknown, wanted: unknown): void {
    if (!isDeepStrictEqual(found, wanted))
      throw new Error(`${what}: ${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  }
}

const anyKey = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string>("a", "b", "a/b") },
  fc.constantFrom<string>(...KEYS),
);
const anyCondition = fc.oneof(
  fc.constant("none at all" as const),
  fc.constantFrom(...(Object.keys(CONDITIONS) as ConditionKind[])),
);
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("put" as const),
      key: anyKey,
      value: fc.constantFrom("1", "22", "333"),
      condition: anyCondition,
      looked: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("delete" as const),
      key: anyKey,
      condition: anyCondition,
      looked: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("rollback" as const),
      key: anyKey,
      back: fc.integer({ min: -1, max: 70 }),
      condition: anyCondition,
      looked: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("many" as const),
      key: fc.constantFrom("a", "b"),
      count: fc.integer({ min: 60, max: 200 }),
      looked: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("commit" as const, "abort" as const, "reopen" as const) }) },
);

t.test("behaves as a plain list of versions for each key", (t) => {
  let runs = 0;
  const directory = makeDirectory(t);
  const property = fc.property(
    fc.constantFrom(0, 1, 5, 63, 64, 65, 130),
    fc.array(anyOperation, { maxLength: 60, size: "max" }),
    (keep, operations) => {
      const database = `${directory}/${++runs}`;
      mkdirSync(database);
      const pair = new Pair(database, keep);
      try {
        for (const operation of operations) pair.run(operation);
        pair.run({ op: "commit" });
        pair.run({ op: "reopen" });
        pair.check();
      } finally {
        pair.close();
        rmSync(database, { recursive: true });
      }
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(10, 60) }));
  t.end();
});

t.test("old versions are removed, also those stored while all were kept", (t) => {
  const directory = makeDirectory(t);
  const keep = 10;
  const write = (writer: VersionedWriter, count: number): void => {
    for (let at = 0; at < count; at++) writer.put("k", Buffer.from("v"), "text/plain", null, at, "");
  };
  const db = openWriter(directory);
  t.teardown(() => {
    db.close();
  });
  const rows = new WriteBuffer(db);
  const count = (table: string): number => {
    rows.write();
    return Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  };
  db.exec("BEGIN");
  write(new VersionedWriter(db, rows, STATE, 0), 2000);
  t.equal(count("state_version"), 2000, "0 keeps all");
  t.equal(count("state_mark"), Math.floor(2000 / VERSION_MARK_INTERVAL));

  rows.write();
  const writer = new VersionedWriter(db, rows, STATE, keep);
  let largest = 0;
  for (let at = 0; at < 1000; at++) {
    const before = count("state_version");
    write(writer, 1);
    largest = Math.max(largest, before - count("state_version"));
  }
  t.ok(largest > VERSION_MARK_INTERVAL, "the pruning catches up");
  t.ok(largest < 5 * VERSION_MARK_INTERVAL, `a write removes a bounded number of rows: ${largest}`);
  let most = 0;
  for (let at = 0; at < 500; at++) {
    write(writer, 1);
    most = Math.max(most, count("state_version"));
  }
  t.ok(most <= keep + ROWS_BEHIND_MAX, `and then stays bounded: ${most}`);
  t.ok(count("state_mark") <= 3);
  const reader = new VersionedReader(db, STATE, keep);
  t.same(
    reader.history("k", 10_000)?.map((info) => info.version),
    Array.from({ length: keep }, (_, at) => 3500 - at),
  );
  t.equal(reader.version("k", 3490), undefined);
  t.equal(reader.version("k", 3491)?.version, 3491);
  db.exec("COMMIT");
  t.end();
});

t.test("a head in the write buffer counts, also after its eviction from memory", (t) => {
  const db = openWriter(makeDirectory(t));
  t.teardown(() => {
    db.close();
  });
  const writer = new VersionedWriter(db, new WriteBuffer(db), STATE, 0);
  const put = (key: string): { readonly version: number } => {
    const reply = writer.put(key, Buffer.from("v"), "text/plain", null, 0, "");
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply;
  };
  db.exec("BEGIN");
  for (let at = 0; at < HEAD_CACHE_KEYS_MAX; at++) put(`key ${at}`);
  t.match(put("key 0"), { version: 2 });
  t.match(put("one more"), { version: 1 });
  t.match(put("key 0"), { version: 3 });
  t.equal(writer.keys, HEAD_CACHE_KEYS_MAX + 1);
  for (let at = 0; at < HEAD_CACHE_KEYS_MAX; at += 5) t.match(put(`key ${at}`), { version: at === 0 ? 4 : 2 });
  for (let at = 0; at < HEAD_CACHE_KEYS_MAX; at++) {
    const version = at === 0 ? 5 : at % 5 === 0 ? 3 : 2;
    if (put(`key ${at}`).version !== version) t.fail(`key ${at} is not at version ${version}`);
  }
  db.exec("ROLLBACK");
  t.end();
});
