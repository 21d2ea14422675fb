/**
 * Encodes and decodes log entries. The head names the node that has appended the entry, the time of the append, and the
 * position that the node had applied. The content is the calls to apply, or a change such as a join request. The head
 * and the requests are JSON. Long values follow the JSON as raw bytes.
 *
 * The calls name their methods, and the methods' schemas pack the requests. So an entry means the same to every node of
 * its apply version. A mark and a checksum distinguish entries from foreign data (entry-mark.ts). Pure.
 */
import type { MethodTable } from "../platform/rpc/method.js";
import type { ServerCall } from "../platform/rpc/server.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { MARK_BYTES, readMark, writeMark } from "./entry-mark.js";

/** The format number of entries. A node rejects entries with another number. */
export const ENTRY_FORMAT = 1;
/**
 * The last apply version whose programs wrote entries without a mark. An unmarked message with a later version is
 * foreign.
 */
export const UNMARKED_APPLY_VERSION_MAX = 2;

/** The metadata of an entry. */
export interface EntryHead {
  /** The apply version of the program that appended the entry (schemas/version.ts). */
  readonly applyVersion: number;
  readonly node: string;
  /** The sender's epoch, which is the id of its accepted join request. A join request itself has the epoch 0. */
  readonly epoch: number;
  /** The number of the entry in its epoch, from 1. */
  readonly number: number;
  /** The log's time as the appending node computed it (log-clock.ts), in ms. */
  readonly at: number;
  /** The clock of the appending machine, in ms. It only votes on the right time (log-clock.ts). */
  readonly wallMs: number;
  /**
   * The id of the last entry that the appending node had applied. `stateHash` is that node's state hash at this
   * position.
   */
  readonly position: number;
  readonly stateHash: string;
}

/**
 * The content of a join request. After it is accepted, every node rejects entries of the requesting node's earlier
 * epochs.
 */
export interface JoinRequest {
  readonly kind: "hello";
  /** The id of the data directory. Two nodes with the same name have different data directories. */
  readonly store: string;
  /** Identifies one run of the node's writer thread. Each start of the thread gets a new id. */
  readonly run: string;
  /**
   * The node's epoch that the request replaces; 0 if there is none. The request is rejected if the node has another
   * epoch when the log delivers it.
   */
  readonly replaces: number;
  readonly version: string;
  /** The settings that must be equal on every node, as one text (agreed-settings.ts). */
  readonly settings: string;
}

/** The content of an entry that only shows that its node is alive. */
export interface Heartbeat {
  readonly kind: "beat";
}

/**
 * The content of an entry by which a node asks to become the leader. The node succeeds if `term` is still the current
 * term.
 */
export interface Candidacy {
  readonly kind: "candidacy";
  readonly term: number;
}

/** The content of an entry that starts a new apply version. After it, entries of an older version are rejected. */
export interface Upgrade {
  readonly kind: "upgrade";
  readonly to: number;
}

/** The content of an entry with calls of the writer's methods. */
export interface Calls {
  readonly kind: "calls";
  /** The current term, if the appending node believes that it is the leader; otherwise 0. */
  readonly term: number;
  readonly calls: readonly EntryCall[];
}

/** The parts of a call that every node needs to run it. */
export type EntryCall = Pick<ServerCall<WriterMethod>, "method" | "actor" | "trace" | "request">;

export type EntryContent = JoinRequest | Heartbeat | Candidacy | Upgrade | Calls;
export interface Entry {
  readonly head: EntryHead;
  readonly content: EntryContent;
}

/** Thrown for an entry that this program cannot read or apply, usually because it has another format. */
export class UnreadableEntry extends Error {
  override readonly name = "UnreadableEntry";
}

type WireHead = readonly [
  applyVersion: number,
  node: string,
  epoch: number,
  number: number,
  at: number,
  position: number,
  stateHash: string,
  /**
   * The clock of the appending machine, in ms. Programs of apply version 1 omit this field, and put the clock into `at`
   * instead.
   */
  wallMs?: number,
];
/**
 * The encoded form of a call. `name` is an index into the entry's `names`. `request` is the request, packed by its
 * schema.
 */
type WireCall = readonly [name: number, actor: string, trace: string, ...request: unknown[]];
/**
 * Describes a long value whose bytes follow the JSON. The numbers are the index of the call, the index of the value
 * among the call's fields, and the length in bytes.
 */
type WireBytes = readonly [call: number, at: number, length: number];

interface WireEntry {
  readonly f: number;
  /** 1 if the entry was written with a mark. If its mark is missing, the entry is damaged. */
  readonly m?: number;
  readonly h: WireHead;
  /** The content of an entry without calls. */
  readonly c?: EntryContent;
  readonly t?: number;
  readonly names?: readonly string[];
  readonly calls?: readonly WireCall[];
  readonly bytes?: readonly WireBytes[];
}

const NOT_KOORS = "it does not have Koor's format";
const LENGTH_BYTES = 4;
const REQUEST_FIELD = 3;
/**
 * Matches the beginning of an entry of calls, as `encodeEntry` writes it. The head ends at the first closing bracket,
 * because no text in a head contains one.
 */
const CALLS_HEAD = /^\{"f":1,"m":1,"h":(\[[^[\]]*\]),"t":/;
const HEAD_BYTES_MAX = 1_024;

/**
 * Encodes an entry.
 * @param clusterVersion the apply version of the cluster, which determines the format of the mark. It may be lower than
 * the entry's version. For example, older nodes must be able to read the join request of a newer node.
 */
export function encodeEntry(
  { head, content }: Entry,
  methods: MethodTable,
  clusterVersion = head.applyVersion,
): Uint8Array {
  const { applyVersion, node, epoch, number, at, position, stateHash, wallMs } = head;
  const h: WireHead = [applyVersion, node, epoch, number, at, position, stateHash, wallMs];
  if (content.kind !== "calls") return withBytes({ f: ENTRY_FORMAT, m: 1, h, c: content }, [], clusterVersion);
  const names: string[] = [];
  const positions = new Map<WriterMethod, number>();
  const blobs: Uint8Array[] = [];
  const bytes: WireBytes[] = [];
  const calls = content.calls.map(({ method, actor, trace, request }, call): WireCall => {
    let name = positions.get(method);
    if (name === undefined) {
      name = names.push(method.name) - 1;
      positions.set(method, name);
    }
    const fields: unknown[] = [];
    methods.packingsAt(methods.positionOf(method)).request.pack(request, fields);
    for (const [place, field] of fields.entries()) {
      if (!(field instanceof Uint8Array)) continue;
      bytes.push([call, place, field.byteLength]);
      blobs.push(field);
      fields[place] = null;
    }
    return [name, actor, trace, ...fields];
  });
  return withBytes({ f: ENTRY_FORMAT, m: 1, h, t: content.term, names, calls, bytes }, blobs, clusterVersion);
}

function withBytes(wire: WireEntry, blobs: readonly Uint8Array[], clusterVersion: number): Uint8Array {
  const json = JSON.stringify(wire);
  const jsonBytes = Buffer.byteLength(json);
  const blobBytes = blobs.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + jsonBytes + blobBytes + MARK_BYTES);
  let end = bytes.writeUInt32BE(jsonBytes);
  end += bytes.write(json, end);
  for (const blob of blobs) {
    bytes.set(blob, end);
    end += blob.byteLength;
  }
  writeMark(bytes, "entry", clusterVersion);
  return bytes;
}

/** The origin of a message in the log: a node, a node whose entry was damaged later, or another program. */
export type Origin = "node" | "damaged" | "foreign";

/**
 * Determines the origin of a message in the log. A damaged entry has a mark with a wrong checksum or a slightly wrong
 * name. A foreign message has no mark, and is not an unmarked entry of an old version either. Every node gets the same
 * result for the same bytes.
 */
export function originOf(bytes: Uint8Array): Origin {
  const marked = readMark(bytes);
  if (marked === "damaged") return "damaged";
  return marked !== null || isUnmarkedEntry(bytes) ? "node" : "foreign";
}

function isUnmarkedEntry(bytes: Uint8Array): boolean {
  let split: ReturnType<typeof splitBody>;
  try {
    split = splitBody(bytes);
  } catch (error) {
    if (error instanceof UnreadableEntry) return false;
    throw error;
  }
  const { f, m, h, c, calls, bytes: places = [] } = split.wire;
  if (f !== ENTRY_FORMAT || m !== undefined || !isWireHead(h) || h[0] > UNMARKED_APPLY_VERSION_MAX) return false;
  if (c !== undefined) return typeof c === "object" && c !== null && KINDS.has(c.kind) && split.blobs.byteLength === 0;
  if (!Array.isArray(calls) || !Array.isArray(places)) return false;
  return places.reduce((sum: number, place: WireBytes) => sum + place[2], 0) === split.blobs.byteLength;
}

const KINDS: ReadonlySet<string> = new Set<EntryContent["kind"]>(["hello", "beat", "candidacy", "upgrade"]);

function isWireHead(head: unknown): head is WireHead {
  if (!Array.isArray(head)) return false;
  const [applyVersion, node, epoch, number, at, position, stateHash] = head as readonly unknown[];
  return (
    [applyVersion, epoch, number, at, position].every((value) => typeof value === "number") &&
    typeof node === "string" &&
    typeof stateHash === "string"
  );
}

/**
 * Decodes an entry.
 * @param applyVersion this node's apply version. Calls of other versions are left out, because this node does not apply
 * them and may not know their methods.
 * @throws UnreadableEntry
 */
export function decodeEntry(bytes: Uint8Array, methods: MethodTable<WriterMethod>, applyVersion: number): Entry {
  const { wire, blobs } = splitEntry(bytes);
  const head = headOf(wire);
  if (wire.c !== undefined) return { head, content: wire.c };
  if (head.applyVersion !== applyVersion) return { head, content: { kind: "calls", term: wire.t ?? 0, calls: [] } };
  return { head, content: { kind: "calls", term: wire.t ?? 0, calls: callsIn(wire, blobs, methods) } };
}

/**
 * Reads the head of an entry of calls without decoding the calls. Returns null if the bytes are damaged or not such an
 * entry.
 */
export function readCallsHead(bytes: Uint8Array): EntryHead | null {
  const marked = readMark(bytes);
  if (marked === null || marked === "damaged" || marked.kind !== "entry") return null;
  const found = CALLS_HEAD.exec(marked.body.toString("latin1", LENGTH_BYTES, LENGTH_BYTES + HEAD_BYTES_MAX));
  if (found?.[1] === undefined) return null;
  try {
    const head: unknown = JSON.parse(found[1]);
    return isWireHead(head) ? headOf({ f: ENTRY_FORMAT, h: head }) : null;
  } catch {
    return null;
  }
}

function callsIn(wire: WireEntry, blobs: Uint8Array, methods: MethodTable<WriterMethod>): EntryCall[] {
  const rows = (wire.names ?? []).map((name) => {
    const row = methods.named(name);
    if (row === undefined) throw new UnreadableEntry(`it names the method ${name}, which is not known here`);
    return { row, packing: methods.packingsAt(methods.positionOf(row)).request };
  });
  const wires: unknown[][] = (wire.calls ?? []).map((fields) => [...fields]);
  let from = 0;
  for (const [call, field, length] of wire.bytes ?? []) {
    const fields = wires[call];
    if (fields === undefined) throw new UnreadableEntry(NOT_KOORS);
    fields[REQUEST_FIELD + field] = blobs.subarray(from, from + length);
    from += length;
  }
  return wires.map((frame): EntryCall => {
    const named = rows[frame[0] as number];
    if (named === undefined) throw new UnreadableEntry(NOT_KOORS);
    const { row, packing } = named;
    const request = packing.unpack({ frame, at: REQUEST_FIELD });
    return { method: row, actor: frame[1] as string, trace: frame[2] as string, request };
  });
}

function headOf({ h }: WireEntry): EntryHead {
  if (!Array.isArray(h)) throw new UnreadableEntry(NOT_KOORS);
  const [applyVersion, node, epoch, number, at, position, stateHash, wallMs = at] = h;
  return { applyVersion, node, epoch, number, at, position, stateHash, wallMs };
}

interface SplitEntry {
  readonly wire: WireEntry;
  readonly blobs: Uint8Array;
}

function splitEntry(bytes: Uint8Array): SplitEntry {
  const marked = readMark(bytes);
  if (marked === "damaged") throw new UnreadableEntry("it is damaged: its checksum does not match");
  if (marked?.kind === "bundle") throw new UnreadableEntry("it is a bundle within a bundle");
  if (marked !== null && marked.kind === undefined)
    throw new UnreadableEntry(`a newer Koor wrote it, in format ${marked.format}: start that Koor here`);
  const split = splitBody(marked?.body ?? bytes);
  if (split.wire.f !== ENTRY_FORMAT)
    throw new UnreadableEntry(`it is of format ${split.wire.f}, and ${ENTRY_FORMAT} is known here`);
  return split;
}

function splitBody(bytes: Uint8Array): SplitEntry {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.byteLength < LENGTH_BYTES) throw new UnreadableEntry("it is too short");
  const end = LENGTH_BYTES + buffer.readUInt32BE(0);
  let wire: WireEntry;
  try {
    wire = JSON.parse(buffer.toString("utf8", LENGTH_BYTES, end)) as WireEntry;
  } catch (error) {
    throw new UnreadableEntry(NOT_KOORS, { cause: error });
  }
  if (typeof wire !== "object" || wire === null) throw new UnreadableEntry(NOT_KOORS);
  return { wire, blobs: buffer.subarray(end) };
}
