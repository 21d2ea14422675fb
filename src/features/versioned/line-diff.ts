/**
 * Computes the differences between two texts by lines, as docs/http-api.md "Diffs" defines them. Common lines are found
 * with Myers' algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986), up to LINE_EDITS_MAX edits. If
 * there are more edits, the lines between the common beginning and the common end of the texts are compared one by one.
 * Pure, runs in the pool.
 */
import { DIFF_BYTES_MAX, LINE_EDITS_MAX } from "../../../schemas/limits/versioned.js";
import { utf8Length } from "../../../schemas/text.js";
import { Failure } from "../../base/result.js";

type Lines = readonly string[];

/** A difference: the lines `before[from, to)` are replaced by the lines `after[into, until)`. */
interface Hunk {
  readonly from: number;
  readonly to: number;
  readonly into: number;
  readonly until: number;
}

/**
 * Returns the pairs of equal lines on a shortest edit path between the texts. Returns undefined if the path has too
 * many edits.
 */
function commonLines(before: Lines, after: Lines): (readonly [at: number, other: number])[] | undefined {
  const [rows, columns] = [before.length, after.length];
  const most = Math.min(rows + columns, LINE_EDITS_MAX);
  const reach = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const [below = 0, above = 0] = [reach[middle + diagonal - 1], reach[middle + diagonal + 1]];
      let row = diagonal === -edits || (diagonal !== edits && below < above) ? above : below + 1;
      while (row < rows && row - diagonal < columns && before[row] === after[row - diagonal]) row += 1;
      reach[middle + diagonal] = row;
      if (row >= rows && row - diagonal >= columns) return backtrack(trace, rows, columns);
    }
  }
  return undefined;
}

/**
 * Follows a shortest edit path backwards, and returns the pairs of equal lines on it.
 * @param trace has one array for each number of edits: the rows that the diagonals had reached with one edit less. The
 * first item of an array belongs to the diagonal `-edits - 1`
 */
function backtrack(trace: readonly Int32Array[], rows: number, columns: number): (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  let [row, column] = [rows, columns];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits];
    const diagonal = row - column;
    const [below = 0, above = 0] = [reach?.[diagonal + edits], reach?.[diagonal + edits + 2]];
    const isDown = diagonal === -edits || (diagonal !== edits && below < above);
    const start = edits === 0 ? 0 : isDown ? above : below;
    const fromRow = edits === 0 ? 0 : isDown ? start : start + 1;
    while (row > fromRow) {
      row -= 1;
      column -= 1;
      pairs.push([row, column]);
    }
    if (edits > 0) {
      column = start - (isDown ? diagonal + 1 : diagonal - 1);
      row = start;
    }
  }
  return pairs.toReversed();
}

/** Yields the differences between two texts, from the first to the last line. */
function* hunksOf(before: Lines, after: Lines): Generator<Hunk> {
  let start = 0;
  let [end, otherEnd] = [before.length, after.length];
  while (start < Math.min(end, otherEnd) && before[start] === after[start]) start += 1;
  while (end > start && otherEnd > start && before[end - 1] === after[otherEnd - 1]) {
    end -= 1;
    otherEnd -= 1;
  }
  const common = commonLines(before.slice(start, end), after.slice(start, otherEnd)) ?? [];
  let [from, into] = [start, start];
  for (const [at, other] of [...common, [end - start, otherEnd - start] as const]) {
    const hunk = { from, to: at + start, into, until: other + start };
    if (hunk.from < hunk.to || hunk.into < hunk.until) yield hunk;
    from = hunk.to + 1;
    into = hunk.until + 1;
  }
}

/**
 * Returns the text of the array `diffs` for two texts. The path of a difference is the index of a line. A removed line
 * has its index in the older text, and any other line its index in the newer text. Returns OUT_OF_RANGE if the result
 * is longer than DIFF_BYTES_MAX bytes.
 */
export function diffLines(beforeText: string, afterText: string): string | Failure {
  const [before, after] = [beforeText.split("\n"), afterText.split("\n")];
  const entries: string[] = [];
  let bytes = 0;
  for (const { from, to, into, until } of hunksOf(before, after)) {
    const [removed, added] = [to - from, until - into];
    for (let at = 0; at < Math.max(removed, added); at++) {
      const operation = at >= removed ? "add" : at >= added ? "remove" : "replace";
      const entry = JSON.stringify({
        operation,
        path: `/${operation === "remove" ? from + at : into + at}`,
        ...(operation === "add" ? {} : { old_value: before[from + at] }),
        ...(operation === "remove" ? {} : { new_value: after[into + at] }),
      });
      bytes += utf8Length(entry) + 1;
      if (bytes > DIFF_BYTES_MAX) return new Failure("OUT_OF_RANGE", `the diff is larger than ${DIFF_BYTES_MAX} bytes`);
      entries.push(entry);
    }
  }
  return `[${entries.join(",")}]`;
}
