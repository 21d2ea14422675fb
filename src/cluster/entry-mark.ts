/**
 * Writes and reads the mark and the checksum that tell an entry from foreign data in the log. They are at the end of an
 * entry, where older programs do not look. So older nodes can read marked entries while the cluster is being upgraded.
 * Pure.
 *
 * The layout is `body, CRC-32 of the body (4 bytes), "KoorLog", format (1 byte)`.
 */
import { crc32 } from "node:zlib";

/** The format number of a marked entry. A node cannot read a newer format. */
export const MARK_FORMAT = 1;
/** The format number of a bundle, which holds several entries (bundle.ts). */
export const BUNDLE_FORMAT = 2;

const NAME = Buffer.from("KoorLog", "latin1");
const CHECKSUM_BYTES = 4;
export const MARK_BYTES = CHECKSUM_BYTES + NAME.byteLength + 1;

/** Writes the mark into the last MARK_BYTES of a buffer. The other bytes are the body. */
export function writeMark(bytes: Buffer, format = MARK_FORMAT): void {
  const end = bytes.byteLength - MARK_BYTES;
  const at = bytes.writeUInt32BE(crc32(bytes.subarray(0, end)), end);
  NAME.copy(bytes, at);
  bytes.writeUInt8(format, at + NAME.byteLength);
}

export interface Marked {
  readonly body: Buffer;
  readonly format: number;
}

/** Splits a marked message into body and format; null if the message has no mark or a wrong checksum. */
export function readMark(bytes: Uint8Array): Marked | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.byteLength - MARK_BYTES;
  if (end < 0) return null;
  const nameAt = end + CHECKSUM_BYTES;
  if (!buffer.subarray(nameAt, nameAt + NAME.byteLength).equals(NAME)) return null;
  const body = buffer.subarray(0, end);
  if (crc32(body) !== buffer.readUInt32BE(end)) return null;
  return { body, format: buffer.readUInt8(buffer.byteLength - 1) };
}
