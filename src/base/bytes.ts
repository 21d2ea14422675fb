/**
 * Packs bytes for RPC requests. Short ones travel as a string of Latin-1 characters: structured clone copies such a
 * string for a fraction of the cost of an ArrayBuffer (3.2 against 4.2 µs a call of 270 bytes, both sides together, and
 * no off-heap memory for the collector to count). Pure.
 */
import { INLINE_BYTES_MAX } from "../../schemas/limits.js";

/** Bytes, or a string whose Latin-1 characters stand for them. */
export type PackedBytes = Uint8Array | string;

/** Packs bytes for a request. */
export function packBytes(bytes: Uint8Array): PackedBytes {
  if (bytes.byteLength <= INLINE_BYTES_MAX) {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString("latin1");
  }
  // Structured clone copies the whole buffer that is under a view.
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** Unpacks the bytes of a request. */
export function unpackBytes(packed: PackedBytes): Uint8Array {
  return typeof packed === "string" ? Buffer.from(packed, "latin1") : packed;
}

/** Returns the buffers of packed bytes. The sender may transfer them instead of having them copied. */
export function buffersOf(packed: PackedBytes): ArrayBuffer[] {
  return typeof packed !== "string" && packed.buffer instanceof ArrayBuffer ? [packed.buffer] : [];
}
