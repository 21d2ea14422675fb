/** Tests the format of entries: decoding returns exactly what was encoded, and foreign data is rejected. */
import * as fc from "fast-check";
import t from "tap";
import { must } from "../base/assert.js";
import { METHODS } from "../methods.js";
import type { MethodTable } from "../platform/rpc/method.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import {
  decodeEntry,
  encodeEntry,
  ENTRY_FORMAT,
  originOf,
  readCallsHead,
  UnreadableEntry,
  UNMARKED_APPLY_VERSION_MAX,
  type Calls,
  type EntryHead,
} from "./entry.js";
import { CHECKED_FORMAT_APPLY_VERSION_MIN, MARK_BYTES, writeFormat } from "./entry-mark.js";

const TABLE = METHODS as unknown as MethodTable<WriterMethod>;
const HEAD: EntryHead = {
  applyVersion: 1,
  node: "a.b",
  epoch: 7,
  number: 3,
  at: 1_770_595_200_000,
  position: 6,
  stateHash: "00ff",
  wallMs: 1_770_595_200_007,
};

function method(name: string): WriterMethod {
  return must(TABLE.named(name), name);
}

function callsOf(...calls: Calls["calls"][number][]): Calls {
  return { kind: "calls", term: 4, calls };
}

function put(value: string | Uint8Array, key = "k", actor = "") {
  const request = { key, value, content_type: "text/plain", condition: { if_version: 1 }, fence: null };
  return { method: method("state.put"), actor, trace: "t1", request };
}

t.test("calls are decoded unchanged", (t) => {
  const long = new Uint8Array(40_000).map((_, at) => at);
  const content = callsOf(
    put("short"),
    put(long, "ключ", "someone"),
    { method: method("events.publish"), actor: "", trace: "", request: { events: [], chain: null } },
    put(new Uint8Array(0)),
    put(long.slice(0, 3)),
  );
  const read = decodeEntry(encodeEntry({ head: HEAD, content }, METHODS), TABLE, 1);
  t.same(read.head, HEAD);
  t.equal(read.content.kind, "calls");
  const { calls, term } = read.content as Calls;
  t.equal(term, 4);
  t.equal(calls.length, content.calls.length);
  for (const [at, call] of content.calls.entries()) {
    const come = must(calls[at], "as many have come");
    t.equal(come.method, call.method);
    t.equal(come.actor, call.actor);
    t.equal(come.trace, call.trace);
    const { value, ...request } = call.request as { readonly value?: string | Uint8Array };
    const { value: seen, ...others } = come.request as { readonly value?: string | Uint8Array };
    t.same(others, request);
    if (typeof value === "string") t.equal(seen, value);
    else if (value !== undefined) t.ok(Buffer.from(value).equals(must(seen as Uint8Array, "bytes")));
  }
  t.end();
});

t.test("any text and any bytes", (t) => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    // Generates strings that are not valid Unicode, because they contain unpaired surrogates.
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.uint8Array({ maxLength: 50 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(value, fc.string({ unit: "binary" })), { maxLength: 5 }), (values) => {
      const content = callsOf(...values.map(([one, key]) => put(one, key)));
      const bytes = encodeEntry({ head: HEAD, content }, METHODS);
      // An entry must be readable at any offset of a buffer.
      const moved = new Uint8Array(bytes.byteLength + 3);
      moved.set(bytes, 3);
      const { content: read } = decodeEntry(moved.subarray(3), TABLE, 1);
      const seen = (read as Calls).calls.map(({ request }) => request as { value: string | Uint8Array; key: string });
      return values.every(([one, key], at) => {
        const other = seen[at];
        if (other?.key !== key) return false;
        return typeof one === "string"
          ? other.value === one
          : typeof other.value !== "string" && Buffer.from(one).equals(other.value);
      });
    }),
  );
  t.end();
});

t.test("entries without calls are decoded unchanged", (t) => {
  for (const content of [
    { kind: "beat" },
    { kind: "candidacy", term: 3 },
    { kind: "upgrade", to: 2 },
    { kind: "hello", store: "s", run: "r", replaces: 5, version: "1.2.3", settings: "--x 1" },
  ] as const)
    t.same(decodeEntry(encodeEntry({ head: HEAD, content }, METHODS), TABLE, 1), { head: HEAD, content });
  t.end();
});

t.test("calls of another apply version are not decoded: their methods may be unknown", (t) => {
  const bytes = encodeEntry({ head: { ...HEAD, applyVersion: 2 }, content: callsOf(put("x")) }, METHODS);
  t.same(decodeEntry(bytes, TABLE, 1).content, { kind: "calls", term: 4, calls: [] });
  t.equal((decodeEntry(bytes, TABLE, 2).content as Calls).calls.length, 1);
  t.end();
});

/** Returns the body of an entry in the format of old programs, which wrote no mark. */
function unmarked(text: string, blobs: readonly Uint8Array[] = []): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text), ...blobs]);
}

/** Adds a valid mark to any body. */
function marked(body: Uint8Array, format = 1): Buffer {
  const bytes = Buffer.concat([body, Buffer.alloc(MARK_BYTES)]);
  writeFormat(bytes, format);
  return bytes;
}

function isForeign(bytes: Uint8Array): boolean {
  return originOf(bytes) === "foreign";
}

/** Returns the format number of a marked message. */
function formatOf(bytes: Uint8Array): number | undefined {
  return bytes[bytes.byteLength - 1];
}

/** Returns the JSON of an entry, as an old program without marks reads it. */
function jsonOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  return buffer.toString("utf8", 4, 4 + buffer.readUInt32BE(0)).replace('"m":1,', "");
}

const CHECKED = CHECKED_FORMAT_APPLY_VERSION_MIN;

t.test("an entry that is truncated, extended or changed anywhere is not read", (t) => {
  const content = callsOf(put("x"), put(new Uint8Array(20_000)));
  const bytes = encodeEntry({ head: HEAD, content }, METHODS, CHECKED);
  t.equal(originOf(bytes), "node");
  const property = fc.property(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ bits;
    return (
      originOf(changed) === "damaged" &&
      readCallsHead(changed) === null &&
      isForeign(bytes.subarray(0, at)) &&
      originOf(bytes.subarray(at + 1)) !== "node"
    );
  });
  fc.assert(property);
  t.not(originOf(Buffer.concat([bytes, Buffer.from("x")])), "node");
  t.not(originOf(Buffer.concat([Buffer.from("x"), bytes])), "node");
  t.end();
});

t.test("any damaged format number is told as damage, and none is taken for a newer program's", (t) => {
  const bytes = encodeEntry({ head: HEAD, content: callsOf(put("x")) }, METHODS, CHECKED);
  const changed = Buffer.from(bytes);
  for (let format = 0; format < 256; format++) {
    changed[changed.byteLength - 1] = format;
    t.equal(originOf(changed), format === formatOf(bytes) ? "node" : "damaged", String(format));
  }
  changed[changed.byteLength - 1] = 9;
  t.throws(() => decodeEntry(changed, TABLE, 1), /it is damaged/);
  // The checksum of an older entry does not cover the format number. A damaged format number is still detected, unless
  // it becomes the format number of bundles.
  const older = Buffer.from(encodeEntry({ head: HEAD, content: callsOf(put("x")) }, METHODS, CHECKED - 1));
  for (let format = 3; format < 256; format++) {
    older[older.byteLength - 1] = format;
    t.equal(originOf(older), "damaged", String(format));
  }
  t.end();
});

t.test("the format of an entry is one that every node of the cluster reads", (t) => {
  const content = callsOf(put("x"), put(new Uint8Array(20_000)));
  const head = { ...HEAD, applyVersion: CHECKED };
  const [older, newer] = [CHECKED - 1, CHECKED].map((version) => encodeEntry({ head, content }, METHODS, version));
  t.equal(formatOf(must(older, "an entry")), 1, "a newer node writes the old format until the cluster is upgraded");
  t.equal(formatOf(must(newer, "an entry")), 3);
  const [read, ...others] = [older, newer].map((bytes) => decodeEntry(must(bytes, "an entry"), TABLE, CHECKED));
  t.same(others, [read]);
  for (const bytes of [older, newer]) t.same(readCallsHead(must(bytes, "an entry")), head);
  t.end();
});

t.test("any other message of a log is foreign", (t) => {
  const head = '"h":[1,"a",7,3,0,6,"00ff"]';
  for (const text of [
    "[1",
    "null",
    "3",
    "{}",
    `{"f":${ENTRY_FORMAT}}`,
    `{"f":9,${head},"c":{"kind":"beat"}}`,
    `{"f":1,"m":1,${head},"c":{"kind":"beat"}}`,
    `{"f":1,${head},"c":{"kind":"other"}}`,
    `{"f":1,${head},"c":null}`,
    `{"f":1,${head}}`,
    `{"f":1,${head},"calls":{}}`,
    `{"f":1,${head},"calls":[],"bytes":[[0,0,3]]}`,
    `{"f":1,"h":[1,"a",7,3,0,"6","00ff"],"c":{"kind":"beat"}}`,
    `{"f":1,"h":[${UNMARKED_APPLY_VERSION_MAX + 1},"a",7,3,0,6,"00ff"],"c":{"kind":"beat"}}`,
  ])
    t.ok(isForeign(unmarked(text)), text);
  t.ok(isForeign(unmarked(`{"f":1,${head},"c":{"kind":"beat"}}`, [Buffer.from("more")])));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isForeign));
  fc.assert(fc.property(fc.json(), (text) => isForeign(Buffer.from(text)) && isForeign(unmarked(text))));
  t.end();
});

t.test("entries of programs without marks are read", (t) => {
  const content = callsOf(put("x"), put(new Uint8Array(20_000)));
  const bytes = Buffer.from(encodeEntry({ head: HEAD, content }, METHODS));
  const json = jsonOf(bytes);
  const blobs = bytes.subarray(4 + bytes.readUInt32BE(0), bytes.byteLength - MARK_BYTES);
  const old = unmarked(json, [blobs]);
  t.notOk(isForeign(old));
  t.same(decodeEntry(old, TABLE, 1), decodeEntry(bytes, TABLE, 1));
  for (const kind of [
    { kind: "beat" },
    { kind: "upgrade", to: 2 },
    { kind: "hello", store: "s", run: "r", replaces: 5, version: "1.2.3", settings: "--x 1" },
  ] as const) {
    const said = unmarked(jsonOf(encodeEntry({ head: HEAD, content: kind }, METHODS)));
    t.notOk(isForeign(said));
    t.same(decodeEntry(said, TABLE, 1).content, kind);
  }
  t.end();
});

t.test("programs without marks read marked entries", (t) => {
  // Programs without marks read a length, then JSON of that length, and then the number of bytes that the JSON gives.
  const long = Buffer.alloc(20_000, 7);
  const bytes = Buffer.from(encodeEntry({ head: HEAD, content: callsOf(put(long)) }, METHODS));
  const end = 4 + bytes.readUInt32BE(0);
  const wire = JSON.parse(bytes.toString("utf8", 4, end)) as { readonly f: number; readonly bytes: number[][] };
  t.equal(wire.f, 1);
  t.ok(bytes.subarray(end, end + must(wire.bytes[0]?.[2], "a length")).equals(long));
  t.end();
});

t.test("an entry that this program cannot read", (t) => {
  const json = jsonOf(encodeEntry({ head: HEAD, content: callsOf(put("x")) }, METHODS));
  const rows: readonly (readonly [Uint8Array, RegExp])[] = [
    [marked(unmarked(json), 2), /bundle within a bundle/],
    [marked(unmarked(json), 4), /bundle within a bundle/],
    [marked(unmarked(json), 5), /a newer Koor wrote it, in format 5: start that Koor here/],
    [marked(new Uint8Array(3)), /too short/],
    [marked(unmarked("[1")), /does not have Koor's format/],
    [marked(unmarked("null")), /does not have Koor's format/],
    [marked(unmarked(`{"f":${ENTRY_FORMAT}}`)), /does not have Koor's format/],
    [marked(unmarked(json.replace(`"f":${ENTRY_FORMAT}`, '"f":9'))), /format 9/],
    [marked(unmarked(json.replace("state.put", "state.gone"))), /state\.gone, which is not known/],
    [marked(unmarked(json.replace('"calls":[[0', '"calls":[[5'))), /does not have Koor's format/],
  ];
  for (const [bytes, message] of rows) {
    t.notOk(isForeign(bytes), `${message} is no matter of who wrote it`);
    t.throws(() => decodeEntry(bytes, TABLE, 1), Object.assign(new UnreadableEntry(), { message }), String(message));
  }
  t.end();
});
