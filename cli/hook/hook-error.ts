/**
 * Formats an error as one short line for stderr. It may contain text of a server, so characters other than printable
 * ASCII are escaped: they could control the terminal or hide text. Pure; runs in the process of `koor-hook`.
 */
const TEXT_CHARACTERS_MAX = 500;
const UNPRINTABLE = /[^\x20-\x7e]/g;

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export function errorTextOf(error: unknown): string {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const text = error instanceof Error ? error.message || code : String(error);
  // Cut the text first, because it may be very long.
  const line = (text || "unknown error").slice(0, TEXT_CHARACTERS_MAX + 1).replaceAll(UNPRINTABLE, escapeUnit);
  return line.length > TEXT_CHARACTERS_MAX ? `${line.slice(0, TEXT_CHARACTERS_MAX)}...` : line;
}
