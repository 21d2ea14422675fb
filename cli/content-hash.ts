/**
 * Hashes contents and texts. A hash shows whether a file has changed, and makes keys of a fixed length. Runs in the CLI
 * process.
 */

/** Returns the SHA-256 of bytes, or of a text's UTF-8 bytes, as 64 hex digits. */
export function hashOf(content: Buffer | string): string {
  // With a static import, every command would load the module.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(content).digest("hex");
}
