/** One step of a JSON Pointer (RFC 6901): a member's name in which `~` and `/` stand escaped. Pure. */

export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function unescapePointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
