/**
 * Adds and removes a block of Koor's lines in a text file. A start line and an end line mark the block. Pure; runs in
 * the CLI process.
 */
import { CliFailure, refused } from "../failure.js";
import { lineEndOf } from "../toml-tables.js";
import type { Part } from "./part.js";

export interface Block {
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  readonly start: string;
  readonly end: string;
  /** Returns the lines of the new block, given the lines of the old block. */
  readonly lines: (old: readonly string[]) => readonly string[];
}

interface Place {
  /** The indexes of the block's first and last line. */
  readonly first: number;
  readonly last: number;
}

/** Splits a text into lines that keep their line ends. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * Finds the block; undefined if the text has none. Returns a failure if the start line and the end line are not a pair.
 */
function findBlock(lines: readonly string[], { name, start, end }: Block): Place | undefined | CliFailure {
  const at = (mark: string): number[] => lines.flatMap((line, index) => (line.trim() === mark ? [index] : []));
  const [starts, ends] = [at(start), at(end)];
  const [first] = starts;
  const [last] = ends;
  if (first === undefined && last === undefined) return undefined;
  const isPair = starts.length === 1 && ends.length === 1;
  if (first === undefined || last === undefined || !isPair || last < first)
    return refused(`${name} has ${start} or ${end} without its partner, and stays as it is`);
  return { first, last };
}

function withLineEnd(line: string | undefined, end: string): string {
  return line === undefined || line.endsWith("\n") ? "" : end;
}

export function blockPart(block: Block): Part {
  const { start, end } = block;
  return {
    put: (text) => {
      const lines = splitLines(text);
      const place = findBlock(lines, block);
      if (place instanceof CliFailure) return place;
      const lineEnd = lineEndOf(text);
      const old = place === undefined ? [] : lines.slice(place.first + 1, place.last).map((line) => line.trimEnd());
      const wanted = [start, ...block.lines(old), end];
      if (place === undefined) {
        const separator = text.trim() === "" ? "" : lineEnd;
        return text + withLineEnd(lines.at(-1), lineEnd) + separator + wanted.map((line) => line + lineEnd).join("");
      }
      const isSame = wanted.length === old.length + 2 && old.every((line, at) => line === wanted[at + 1]);
      if (isSame) return text;
      const tail = lines[place.last]?.endsWith("\n") ? lineEnd : "";
      const replaced = wanted.map((line, at) => line + (at === wanted.length - 1 ? tail : lineEnd));
      return [...lines.slice(0, place.first), ...replaced, ...lines.slice(place.last + 1)].join("");
    },
    take: (text) => {
      const lines = splitLines(text);
      const place = findBlock(lines, block);
      if (place instanceof CliFailure) return place;
      if (place === undefined) return text;
      // The empty line before the block was added together with the block, so it is removed too.
      const before = lines.slice(0, place.first);
      if (before.at(-1)?.trim() === "") before.pop();
      return [...before, ...lines.slice(place.last + 1)].join("");
    },
    containers: () => [],
  };
}
