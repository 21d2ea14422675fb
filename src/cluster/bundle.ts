/**
 * Encodes and decodes bundles. A bundle is one message of the log that contains entries of several nodes. It has one
 * id, and its entries are applied together in their order. Each entry keeps its own head and mark (entry-mark.ts).
 * Nodes accept or reject each entry by its head. So a second copy of an entry in the log has no effect. Pure.
 *
 * The layout is `length (4 bytes), entry, length, entry, …`, followed by a mark. The mark is like the mark of an entry,
 * but with a format number for bundles.
 */
import type { MethodTable } from "../platform/rpc/method.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { decodeEntry, UnreadableEntry, type Entry } from "./entry.js";
import { MARK_BYTES, readMark, writeMark } from "./entry-mark.js";

/** The first apply version whose programs can read bundles. */
export const BUNDLE_APPLY_VERSION_MIN = 3;

const LENGTH_BYTES = 4;
const BROKEN = "it is not a bundle in Koor's format";

/** @param clusterVersion the apply version of the cluster, which determines the format of the mark */
export function encodeBundle(entries: readonly Uint8Array[], clusterVersion: number): Uint8Array {
  const size = entries.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, MARK_BYTES);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const entry of entries) {
    at = bytes.writeUInt32BE(entry.byteLength, at);
    bytes.set(entry, at);
    at += entry.byteLength;
  }
  writeMark(bytes, "bundle", clusterVersion);
  return bytes;
}

/**
 * Decodes the entries of a message. The message is either a bundle or a single entry.
 * @param applyVersion as in `decodeEntry`
 * @throws UnreadableEntry
 */
export function decodeMessage(
  bytes: Uint8Array,
  methods: MethodTable<WriterMethod>,
  applyVersion: number,
): readonly Entry[] {
  const body = bundleBody(bytes);
  if (body === null) return [decodeEntry(bytes, methods, applyVersion)];
  return entriesIn(body).map((part) => {
    const entry = decodeEntry(part, methods, applyVersion);
    // A bundle contains only entries of calls. An entry that changes the membership is a message of its own.
    if (entry.content.kind !== "calls") throw new UnreadableEntry(BROKEN);
    return entry;
  });
}

/**
 * Removes the bundle's own mark, and returns the bytes of its entries. Returns null if the message is a single entry.
 */
function bundleBody(bytes: Uint8Array): Buffer | null {
  const marked = readMark(bytes);
  return marked === null || marked === "damaged" || marked.kind !== "bundle" ? null : marked.body;
}

function entriesIn(body: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < body.byteLength; ) {
    const end = at + LENGTH_BYTES + (at + LENGTH_BYTES <= body.byteLength ? body.readUInt32BE(at) : 0);
    if (end > body.byteLength) throw new UnreadableEntry(BROKEN);
    entries.push(body.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  if (entries.length === 0) throw new UnreadableEntry(BROKEN);
  return entries;
}
