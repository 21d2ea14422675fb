/**
 * Hashes contents, so that later changes are detected, and hashes texts, so that keys have a fixed length. Runs in the
 * CLI process.
 */

/** Returns the SHA-256 of bytes, or of a text's UTF-8 bytes, as 64 hex digits. */
export function hashOf(content: Buffer | string): string {
  // With a static import, every command would load the module.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(content).digest("hex");
}
