/**
 * An entry of the log as bytes: who appended it and when, what they had carried out by then, and what is to be done.
 * A head of JSON, and behind it the bytes of long values as they are. Methods go by name and requests as their schemas
 * pack them, so an entry means the same to every node of its command version. A mark and a checksum tell it from what
 * is foreign (entry-mark.ts). Pure.
 */
import type { MethodTable } from "../rpc/method.js";
import type { ServerCall } from "../rpc/server.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { MARK_BYTES, MARK_FORMAT, readMark, writeMark } from "./entry-mark.js";

/** How entries are written; a node reads no other. */
export const ENTRY_FORMAT = 1;
/** Programs of these commands and older ones wrote entries without a mark; from then on one without it is foreign. */
export const UNMARKED_APPLY_VERSION_MAX = 2;

/** What an entry says of who appended it. */
export interface EntryHead {
  /** Which commands the one who appended it would carry out (schemas/version.ts). */
  readonly applyVersion: number;
  readonly node: string;
  /** Id of the hello under which it was appended; 0 in a hello. */
  readonly epoch: number;
  /** Counts the entries of an incarnation, from 1 on. */
  readonly number: number;
  /** The log's time as it was reckoned there (log-clock.ts), in ms. */
  readonly at: number;
  /** What the machine's clock said there, in ms. Only a vote on what the right time is: it moves nothing itself. */
  readonly wall_ms: number;
  /** The last entry that was carried out there, and what everything up to it has come to. */
  readonly position: number;
  readonly stateHash: string;
}

/** A node begins to append; what it appended before under its name and is not there by now never counts. */
export interface JoinRequest {
  readonly kind: "hello";
  /** Which data directory it is: two nodes of one name are told apart by it. */
  readonly store: string;
  /** Which start of it. */
  readonly run: string;
  /** The incarnation of its name that it takes the place of; 0 for none. One that came late replaces nobody. */
  readonly replaces: number;
  readonly version: string;
  /** What has to be the same everywhere, as one text. */
  readonly settings: string;
}

/** A node is there. */
export interface Heartbeat {
  readonly kind: "beat";
}

/** A node wants to lead; it does where the term is still this one. */
export interface Candidacy {
  readonly kind: "candidacy";
  readonly term: number;
}

/** From here on other commands count. */
export interface Upgrade {
  readonly kind: "upgrade";
  readonly to: number;
}

/** Calls of the writer's methods. */
export interface Calls {
  readonly kind: "calls";
  /** The term in which who appended it leads, as far as it knows; 0 where it does not. */
  readonly term: number;
  readonly calls: readonly EntryCall[];
}

/** What of a call matters to every node. */
export type EntryCall = Pick<ServerCall<WriterMethod>, "method" | "actor" | "trace" | "request">;

export type EntryContent = JoinRequest | Heartbeat | Candidacy | Upgrade | Calls;
export interface Entry {
  readonly head: EntryHead;
  readonly content: EntryContent;
}

/** An entry that this program cannot read, or cannot carry out: of another format, above all. */
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
  /** Programs of version 1 leave it out: their `at` is what the clock said. */
  wall_ms?: number,
];
/** A call as the position of its method's name, actor, trace, and its request as the schema packs it. */
type WireCall = readonly [name: number, actor: string, trace: string, ...request: unknown[]];
/** Where in a call's array bytes stand, and how many they are. */
type WireBytes = readonly [call: number, at: number, length: number];

interface WireEntry {
  readonly f: number;
  /** 1: it has a mark. Where that is not found it was damaged. */
  readonly m?: number;
  readonly h: WireHead;
  /** What is not calls, as it is. */
  readonly c?: EntryContent;
  readonly t?: number;
  readonly names?: readonly string[];
  readonly calls?: readonly WireCall[];
  readonly bytes?: readonly WireBytes[];
}

const NOT_KOORS = "it is not what Koor writes";
const LENGTH_BYTES = 4;
const REQUEST_FIELD = 3;
/** As `encodeEntry` begins an entry of calls. No text in a head has a bracket. */
const CALLS_HEAD = /^\{"f":1,"m":1,"h":(\[[^[\]]*\]),"t":/;
const HEAD_BYTES_MAX = 1_024;

export function encodeEntry({ head, content }: Entry, methods: MethodTable): Uint8Array {
  const { applyVersion, node, epoch, number, at, position, stateHash, wall_ms } = head;
  const h: WireHead = [applyVersion, node, epoch, number, at, position, stateHash, wall_ms];
  if (content.kind !== "calls") return withBytes({ f: ENTRY_FORMAT, m: 1, h, c: content }, []);
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
  return withBytes({ f: ENTRY_FORMAT, m: 1, h, t: content.term, names, calls, bytes }, blobs);
}

function withBytes(wire: WireEntry, blobs: readonly Uint8Array[]): Uint8Array {
  const json = JSON.stringify(wire);
  const json_bytes = Buffer.byteLength(json);
  const blob_bytes = blobs.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + json_bytes + blob_bytes + MARK_BYTES);
  let end = bytes.writeUInt32BE(json_bytes);
  end += bytes.write(json, end);
  for (const blob of blobs) {
    bytes.set(blob, end);
    end += blob.byteLength;
  }
  writeMark(bytes);
  return bytes;
}

/**
 * Whether a message of the log is none that a node has appended: it has no mark, or another checksum, and is not as
 * programs wrote entries before there were marks. Every node finds the same of the same bytes.
 */
export function isForeign(bytes: Uint8Array): boolean {
  return readMark(bytes) === null && !isUnmarkedEntry(bytes);
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
 * Reads an entry.
 * @param commands of which its calls are read; those of others come to nothing here, and name methods that may be
 *   unknown
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
 * The head of a marked entry of calls, read without its calls; null where the bytes are something else, or damaged.
 */
export function readCallsHead(bytes: Uint8Array): EntryHead | null {
  const marked = readMark(bytes);
  if (marked?.format !== MARK_FORMAT) return null;
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
  const [applyVersion, node, epoch, number, at, position, stateHash, wall_ms = at] = h;
  return { applyVersion, node, epoch, number, at, position, stateHash, wall_ms };
}

interface SplitEntry {
  readonly wire: WireEntry;
  readonly blobs: Uint8Array;
}

function splitEntry(bytes: Uint8Array): SplitEntry {
  const marked = readMark(bytes);
  if (marked !== null && marked.format !== MARK_FORMAT)
    throw new UnreadableEntry(`its mark is of format ${marked.format}, and ${MARK_FORMAT} is known here`);
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
