/**
 * Computes a line diff of two texts, to be shown side by side. In lines that changed, it also marks the changed words.
 * Pure.
 */
import { diffLines, diffWordsWithSpace } from "diff";

/** A piece of a line. `changed` is true if the piece is not in the line on the other side. */
export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

/** A line of one of the two texts. */
export interface Side {
  readonly number: number;
  readonly pieces: readonly Piece[];
}

/** A row of the diff, with a line from each side. A side is null if it has no line in this row. */
export interface DiffRow {
  readonly kind: "same" | "changed" | "added" | "removed";
  readonly before: Side | null;
  readonly after: Side | null;
}

/** The number of unchanged lines that are shown around a change. */
const CONTEXT_LINES = 3;
/**
 * The maximum number of lines that may differ. The time for a diff grows with the square of this number. So a larger
 * diff would block the page, and is not computed.
 */
export const EDITS_MAX = 2_000;
/**
 * The words of two lines are compared only if both lines together are at most this long. Longer lines would take too
 * long. If more than WORD_EDITS_MAX words differ, no words are marked, because the lines have little in common.
 */
const LINE_CHARACTERS_MAX = 2_000;
const WORD_EDITS_MAX = 100;

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function whole(text: string): Piece[] {
  return [{ text, changed: false }];
}

/** Returns the rows of the diff; null if more than EDITS_MAX lines differ. */
export function diffRows(before: string, after: string): DiffRow[] | null {
  const parts = diffLines(before, after, { maxEditLength: EDITS_MAX });
  if (parts === undefined) return null;
  const rows: DiffRow[] = [];
  let [left, right] = [0, 0];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at];
    if (part === undefined) break;
    const lines = linesOf(part.value);
    const next = parts[at + 1];
    if (part.removed && next?.added === true) {
      const added = linesOf(next.value);
      for (let line = 0; line < Math.max(lines.length, added.length); line++)
        rows.push(pair(lines[line], added[line], { left: left + line + 1, right: right + line + 1 }));
      left += lines.length;
      right += added.length;
      at += 1;
    } else if (part.removed) {
      for (const text of lines)
        rows.push({ kind: "removed", before: { number: ++left, pieces: whole(text) }, after: null });
    } else if (part.added) {
      for (const text of lines)
        rows.push({ kind: "added", before: null, after: { number: ++right, pieces: whole(text) } });
    } else {
      for (const text of lines)
        rows.push({
          kind: "same",
          before: { number: ++left, pieces: whole(text) },
          after: { number: ++right, pieces: whole(text) },
        });
    }
  }
  return rows;
}

/** Returns the row for a removed line and the added line that replaced it. One of the two may be missing. */
function pair(
  removed: string | undefined,
  added: string | undefined,
  { left, right }: { readonly left: number; readonly right: number },
): DiffRow {
  if (removed === undefined)
    return { kind: "added", before: null, after: { number: right, pieces: whole(added ?? "") } };
  if (added === undefined) return { kind: "removed", before: { number: left, pieces: whole(removed) }, after: null };
  const words =
    removed.length + added.length > LINE_CHARACTERS_MAX
      ? undefined
      : diffWordsWithSpace(removed, added, { maxEditLength: WORD_EDITS_MAX });
  if (words === undefined)
    return {
      kind: "changed",
      before: { number: left, pieces: whole(removed) },
      after: { number: right, pieces: whole(added) },
    };
  const side = (number: number, mine: "added" | "removed", other: "added" | "removed"): Side => ({
    number,
    pieces: words.filter((word) => !word[other]).map((word) => ({ text: word.value, changed: word[mine] })),
  });
  return { kind: "changed", before: side(left, "removed", "added"), after: side(right, "added", "removed") };
}

/** A block of consecutive rows, or the number of unchanged rows that are left out between two blocks. */
export type DiffBlock = { readonly rows: readonly DiffRow[] } | { readonly left_out: number };

/**
 * Returns the rows that differ as blocks, with some unchanged rows around them. Between two blocks, it returns the
 * number of rows that are left out.
 */
export function folded(rows: readonly DiffRow[]): DiffBlock[] {
  const near = new Set<number>();
  for (const [at, { kind }] of rows.entries()) {
    if (kind === "same") continue;
    for (let around = at - CONTEXT_LINES; around <= at + CONTEXT_LINES; around++) near.add(around);
  }
  const blocks: DiffBlock[] = [];
  let run: DiffRow[] = [];
  let leftOut = 0;
  const close = (): void => {
    if (leftOut > 0) blocks.push({ left_out: leftOut });
    if (run.length > 0) blocks.push({ rows: run });
    leftOut = 0;
    run = [];
  };
  for (const [at, row] of rows.entries()) {
    if (near.has(at)) {
      if (leftOut > 0) close();
      run.push(row);
    } else {
      if (run.length > 0) close();
      leftOut += 1;
    }
  }
  close();
  return blocks;
}
