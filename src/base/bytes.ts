/**
 * Bytes in RPC requests. Short ones travel as a string of Latin-1 characters: structured clone copies
 * such a string for a fraction of what an ArrayBuffer costs it (3.2 against 4.2 µs a call of 270 bytes,
 * both sides together, and no off-heap memory for the collector to count). Pure.
 */
import { INLINE_BYTES_MAX } from "../../schemas/limits.js";

/** Bytes, or Latin-1 characters that stand for them. */
export type PackedBytes = Uint8Array | string;

/** Makes bytes ready for a request. */
export function packBytes(bytes: Uint8Array): PackedBytes {
  if (bytes.byteLength <= INLINE_BYTES_MAX) {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString("latin1");
  }
  // Structured clone copies the whole buffer that a view lies in.
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** The bytes of a request. */
export function unpackBytes(packed: PackedBytes): Uint8Array {
  return typeof packed === "string" ? Buffer.from(packed, "latin1") : packed;
}

/** The buffers of packed bytes: who sends them may give them away instead of having them copied. */
export function buffersOf(packed: PackedBytes): ArrayBuffer[] {
  return typeof packed !== "string" && packed.buffer instanceof ArrayBuffer ? [packed.buffer] : [];
}
