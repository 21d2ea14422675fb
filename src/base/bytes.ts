/**
 * Packs bytes for messages of the RPC. Short byte arrays are sent as a string of Latin-1 characters, because structured
 * clone copies such a string more cheaply than an ArrayBuffer. With a string, a call of 270 bytes takes 3.2 instead of
 * 4.2 µs on both sides together, and the garbage collector need not track off-heap memory. Pure.
 */
import { INLINE_BYTES_MAX } from "../../schemas/limits/rpc.js";

/** Bytes, or a string in which each Latin-1 character stands for one byte. */
export type PackedBytes = Uint8Array | string;

/** Packs bytes for a request. */
export function packBytes(bytes: Uint8Array): PackedBytes {
  if (bytes.byteLength <= INLINE_BYTES_MAX) {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString("latin1");
  }
  // If the bytes are only a part of their buffer, copy them, because structured clone would copy the whole buffer.
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** Unpacks the bytes of a request. */
export function unpackBytes(packed: PackedBytes): Uint8Array {
  return typeof packed === "string" ? Buffer.from(packed, "latin1") : packed;
}

/** Returns the buffers of packed bytes. The sender may transfer them, so that they are not copied. */
export function buffersOf(packed: PackedBytes): ArrayBuffer[] {
  return typeof packed !== "string" && packed.buffer instanceof ArrayBuffer ? [packed.buffer] : [];
}
