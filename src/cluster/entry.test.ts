/** Entries as bytes: what is written is read, byte for byte and text for text, and what Koor did not write is refused. */
import * as fc from "fast-check";
import t from "tap";
import { must } from "../base/assert.js";
import { METHODS } from "../methods.js";
import type { MethodTable } from "../rpc/method.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { decodeEntry, encodeEntry, ENTRY_FORMAT, UnreadableEntry, type Calls, type EntryHead } from "./entry.js";

const TABLE = METHODS as unknown as MethodTable<WriterMethod>;
const HEAD: EntryHead = {
  commands: 1,
  node: "a.b",
  incarnation: 7,
  number: 3,
  at: 1_770_595_200_000,
  position: 6,
  outcome: "00ff",
  wall_ms: 1_770_595_200_007,
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

t.test("calls come out as they went in", (t) => {
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
    // What is no text in UTF-8: halves of surrogate pairs.
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.uint8Array({ maxLength: 50 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(value, fc.string({ unit: "binary" })), { maxLength: 5 }), (values) => {
      const content = callsOf(...values.map(([one, key]) => put(one, key)));
      const bytes = encodeEntry({ head: HEAD, content }, METHODS);
      // It may lie anywhere in a buffer.
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

t.test("what is no calls is as it was", (t) => {
  for (const content of [
    { kind: "beat" },
    { kind: "candidacy", term: 3 },
    { kind: "upgrade", to: 2 },
    { kind: "hello", store: "s", run: "r", replaces: 5, version: "1.2.3", settings: "--x 1" },
  ] as const)
    t.same(decodeEntry(encodeEntry({ head: HEAD, content }, METHODS), TABLE, 1), { head: HEAD, content });
  t.end();
});

t.test("calls of other commands are not read: their methods may be unknown", (t) => {
  const bytes = encodeEntry({ head: { ...HEAD, commands: 2 }, content: callsOf(put("x")) }, METHODS);
  t.same(decodeEntry(bytes, TABLE, 1).content, { kind: "calls", term: 4, calls: [] });
  t.equal((decodeEntry(bytes, TABLE, 2).content as Calls).calls.length, 1);
  t.end();
});

t.test("what Koor did not write, or not this one", (t) => {
  const good = Buffer.from(encodeEntry({ head: HEAD, content: callsOf(put("x")) }, METHODS));
  const json = good.toString("utf8", 4);
  const withJson = (text: string): Uint8Array => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const rows: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(0), /too short/],
    [new Uint8Array([0, 0, 0]), /too short/],
    [Buffer.from("hello, world"), /not what Koor writes/],
    [good.subarray(0, good.byteLength - 5), /not what Koor writes/],
    [withJson("[1"), /not what Koor writes/],
    [withJson("null"), /not what Koor writes/],
    [withJson("3"), /not what Koor writes/],
    [withJson(`{"f":${ENTRY_FORMAT}}`), /not what Koor writes/],
    [withJson(json.replace(`"f":${ENTRY_FORMAT}`, '"f":9')), /format 9/],
    [withJson(json.replace("state.put", "state.gone")), /state\.gone, which is not known/],
    [withJson(json.replace('"calls":[[0', '"calls":[[5')), /not what Koor writes/],
  ];
  for (const [bytes, message] of rows)
    t.throws(() => decodeEntry(bytes, TABLE, 1), Object.assign(new UnreadableEntry(), { message }), String(message));
  t.end();
});
