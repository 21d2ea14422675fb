/**
 * Tests the format of bundles: splitting a bundle returns the entries that were put into it, and other bytes are
 * rejected.
 */
import * as fc from "fast-check";
import t from "tap";
import { addLine, FAKE_METHODS } from "../../test/cluster/fake-methods.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { decodeMessage, encodeBundle } from "./bundle.js";
import { decodeEntry, encodeEntry, originOf, readCallsHead, UnreadableEntry, type EntryContent } from "./entry.js";
import { CHECKED_FORMAT_APPLY_VERSION_MIN, MARK_BYTES, writeMark } from "./entry-mark.js";

/**
 * The apply versions of two clusters. The first cluster uses the first format of bundles, and the second cluster uses
 * the second format.
 */
const VERSIONS = [CHECKED_FORMAT_APPLY_VERSION_MIN - 1, CHECKED_FORMAT_APPLY_VERSION_MIN] as const;
const [OLDER, VERSION] = VERSIONS;
const HEAD = { applyVersion: 3, node: "a.b_c-1", epoch: 7, number: 3, at: 9, position: 6, stateHash: "00", wallMs: 8 };

function entryOf(number: number, ...names: readonly string[]): Uint8Array {
  const method = addLine as unknown as WriterMethod;
  const calls = names.map((name) => ({ method, actor: "", trace: "", request: { name } }));
  return encodeEntry({ head: { ...HEAD, number }, content: { kind: "calls", term: 0, calls } }, FAKE_METHODS);
}

/** Appends a valid bundle mark to any bytes. */
function marked(...parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat([...parts, Buffer.alloc(MARK_BYTES)]);
  writeMark(bytes, "bundle", VERSION);
  return bytes;
}

t.test("the entries of a bundle are decoded unchanged and in order", (t) => {
  const names = fc.array(fc.string({ unit: "binary" }), { maxLength: 4 });
  const property = fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), (all) => {
    const entries = all.map((some, at) => entryOf(at, ...some));
    const bundles = VERSIONS.map((version) => encodeBundle(entries, version));
    for (const bundle of bundles)
      t.strictSame(
        decodeMessage(bundle, FAKE_METHODS, 3),
        entries.map((entry) => decodeEntry(entry, FAKE_METHODS, 3)),
      );
    t.strictSame(
      bundles.map((bundle) => bundle[bundle.byteLength - 1]),
      [2, 4],
    );
    return bundles.every((bundle) => originOf(bundle) === "node");
  });
  fc.assert(property, { numRuns: 50 });
  t.end();
});

t.test("a message with a single entry is that entry", (t) => {
  const entry = entryOf(1, "x");
  t.strictSame(decodeMessage(entry, FAKE_METHODS, 3), [decodeEntry(entry, FAKE_METHODS, 3)]);
  t.end();
});

t.test("a bundle is not decoded as an entry", (t) => {
  t.throws(() => decodeEntry(encodeBundle([entryOf(1, "x")], VERSION), FAKE_METHODS, 3), /a bundle within a bundle/);
  t.end();
});

t.test("a bundle that is damaged anywhere is not read", (t) => {
  const bundle = encodeBundle([entryOf(1, "x"), entryOf(2, "y")], VERSION);
  const property = fc.property(fc.nat(bundle.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
    const changed = Uint8Array.from(bundle);
    changed[at] = (changed[at] ?? 0) ^ bits;
    return originOf(changed) !== "node";
  });
  fc.assert(property);
  t.end();
});

t.test("a bundle of entries that nodes do not bundle cannot be read", (t) => {
  const beat = encodeEntry({ head: HEAD, content: { kind: "beat" } }, FAKE_METHODS);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(9);
  for (const bundle of [
    marked(),
    marked(Buffer.alloc(3)),
    marked(length),
    marked(length, Buffer.alloc(8)),
    marked(length, Buffer.alloc(9)),
    encodeBundle([beat], VERSION),
    encodeBundle([entryOf(1, "x"), beat], VERSION),
    encodeBundle([encodeBundle([entryOf(1, "x")], VERSION)], VERSION),
    encodeBundle([encodeBundle([entryOf(1, "x")], OLDER)], OLDER),
  ])
    t.throws(() => decodeMessage(bundle, FAKE_METHODS, 3), UnreadableEntry);
  t.end();
});

t.test("the sender of a forwarded entry is read from its head", (t) => {
  const entry = entryOf(4, "x", "y".repeat(5_000));
  t.strictSame(readCallsHead(entry), { ...HEAD, number: 4 });
  for (const content of [
    { kind: "beat" },
    { kind: "candidacy", term: 3 },
    { kind: "hello", store: "s", run: "r", replaces: 5, version: "1", settings: "" },
  ] as readonly EntryContent[])
    t.equal(readCallsHead(encodeEntry({ head: HEAD, content }, FAKE_METHODS)), null, content.kind);
  t.equal(readCallsHead(encodeBundle([entry], VERSION)), null, "a bundle");
  t.equal(readCallsHead(entry.subarray(1)), null);
  t.equal(readCallsHead(entry.subarray(0, entry.byteLength - MARK_BYTES)), null, "without a mark");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readCallsHead(bytes) === null));
  t.end();
});
