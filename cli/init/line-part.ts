/**
 * Adds and removes one line of Koor in a text file, such as the import in `CLAUDE.md`. Pure; runs in the CLI process.
 */
import { lineEndOf } from "../toml-tables.js";
import { splitLines } from "./block-part.js";
import type { Part } from "./part.js";

/**
 * Makes the part.
 * @param isThere whether the line is not needed, because the text already has the same effect
 */
export function linePart(line: string, isThere: (text: string) => boolean): Part {
  const isLine = (one: string): boolean => one.trim() === line;
  return {
    put: (text) => {
      if (isThere(text)) return text;
      const lineEnd = lineEndOf(text);
      const lines = splitLines(text);
      const last = lines.at(-1);
      const separator = last === undefined ? "" : (last.endsWith("\n") ? "" : lineEnd) + lineEnd;
      return `${text}${separator}${line}${lineEnd}`;
    },
    take: (text) => {
      const lines = splitLines(text);
      const at = lines.findLastIndex(isLine);
      if (at < 0) return text;
      const before = lines.slice(0, at);
      if (before.length > 0 && before.at(-1)?.trim() === "") before.pop();
      return [...before, ...lines.slice(at + 1)].join("");
    },
    containers: (text) => (splitLines(text).some(isLine) ? [line] : []),
  };
}
