/** Escapes one step of a JSON Pointer (RFC 6901): `~` and `/` in a member's name are replaced. Pure. */

export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function unescapePointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
