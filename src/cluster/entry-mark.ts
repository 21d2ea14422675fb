/**
 * Writes and reads the mark and the checksum at the end of an entry. They distinguish entries from foreign data in the
 * log. Older programs ignore the bytes after the body. So older nodes can read marked entries during an upgrade of the
 * cluster. Pure.
 *
 * The layout is `body, CRC-32 (4 bytes), "KoorLog", format (1 byte)`. In the formats 1 and 2, the checksum covers only
 * the body. In later formats it also covers "KoorLog" and the format, so that a damaged format number is not mistaken
 * for a newer format.
 */
import { crc32 } from "node:zlib";

/** The content of a marked message: one entry, or a bundle of several entries (bundle.ts). */
export type MarkedKind = "entry" | "bundle";

/** The first apply version whose programs can read formats with a checksum over the format number. */
export const CHECKED_FORMAT_APPLY_VERSION_MIN = 8;
/** The last format whose checksum does not cover the format number. */
const UNCHECKED_FORMAT_MAX = 2;
const FORMATS: Readonly<Record<MarkedKind, { readonly unchecked: number; readonly checked: number }>> = {
  entry: { unchecked: 1, checked: 3 },
  bundle: { unchecked: 2, checked: 4 },
};
const KINDS: ReadonlyMap<number, MarkedKind> = new Map(
  (["entry", "bundle"] as const).flatMap((kind) => Object.values(FORMATS[kind]).map((format) => [format, kind])),
);

const NAME = Buffer.from("KoorLog", "latin1");
/** A message whose mark has at most this number of wrong bytes in the name of Koor is a damaged entry. */
const NAME_BYTES_WRONG_MAX = 2;
const CHECKSUM_BYTES = 4;
export const MARK_BYTES = CHECKSUM_BYTES + NAME.byteLength + 1;

/**
 * Writes the mark into the last MARK_BYTES of a buffer. The other bytes are the body.
 * @param applyVersion the apply version of the cluster. Every node must be able to read the format.
 */
export function writeMark(bytes: Buffer, kind: MarkedKind, applyVersion: number): void {
  const { checked, unchecked } = FORMATS[kind];
  writeFormat(bytes, applyVersion < CHECKED_FORMAT_APPLY_VERSION_MIN ? unchecked : checked);
}

/** Writes the mark of a format into the last MARK_BYTES of a buffer. Tests also write formats that no entry has. */
export function writeFormat(bytes: Buffer, format: number): void {
  const end = bytes.byteLength - MARK_BYTES;
  const nameAt = end + CHECKSUM_BYTES;
  NAME.copy(bytes, nameAt);
  bytes.writeUInt8(format, nameAt + NAME.byteLength);
  bytes.writeUInt32BE(checksumOf(bytes, end, format), end);
}

function checksumOf(bytes: Buffer, end: number, format: number): number {
  const ofBody = crc32(bytes.subarray(0, end));
  return format <= UNCHECKED_FORMAT_MAX ? ofBody : crc32(bytes.subarray(end + CHECKSUM_BYTES), ofBody);
}

export interface Marked {
  readonly body: Buffer;
  readonly format: number;
  /**
   * The kind of the message; undefined if a newer program has written it, in a format that this program does not know.
   */
  readonly kind: MarkedKind | undefined;
}

/**
 * Splits a marked message into its parts. Returns null if there is no mark, and "damaged" if the checksum or a part of
 * the name in the mark is wrong.
 */
export function readMark(bytes: Uint8Array): Marked | "damaged" | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.byteLength - MARK_BYTES;
  if (end < 0) return null;
  const nameAt = end + CHECKSUM_BYTES;
  const wrong = NAME.reduce((sum, byte, at) => sum + Number(buffer[nameAt + at] !== byte), 0);
  if (wrong > 0) return wrong <= NAME_BYTES_WRONG_MAX ? "damaged" : null;
  const format = buffer.readUInt8(buffer.byteLength - 1);
  if (checksumOf(buffer, end, format) !== buffer.readUInt32BE(end)) return "damaged";
  return { body: buffer.subarray(0, end), format, kind: KINDS.get(format) };
}
