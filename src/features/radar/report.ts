/**
 * Decodes the stored report of a checkout, so that it can be compared with other reports. Files are sorted by path, and
 * the ranges of each file by their first lines. The ranges of all files share one array, because a report may have
 * 128,000 of them. Pure.
 */
import type { StoredFiles } from "../../../schemas/radar.js";
import { RADAR_FILE_BYTES, RADAR_RANGE_BYTES, RADAR_REPORT_BYTES } from "../../../schemas/limits/radar.js";

/** The members of a report that have columns of their own. */
export interface ReportHead {
  readonly checkout: string;
  readonly workspace: string;
  readonly branch: string | null;
  readonly base: string | null;
}

/** A file that a checkout has changed. */
export interface ReportedFile {
  readonly report: Report;
  readonly path: string;
  /**
   * The bounds of the file's ranges in the array `lines` of the report, as for `slice`. If the bounds are equal, the
   * change affects the whole file.
   */
  readonly start: number;
  readonly end: number;
  readonly deleted: boolean;
  readonly blob: string | null;
  /**
   * The time in ms at which the file began to overlap. It stays the same as long as the file overlaps without
   * interruption. It has no meaning while the file overlaps no other change.
   */
  since: number;
}

export interface Report extends ReportHead {
  /** The files in the order of their paths, each path once. */
  readonly files: readonly ReportedFile[];
  /** The first and the last line of each range, one pair after the other. */
  readonly lines: Int32Array;
  /**
   * The estimated memory of the report, in bytes. It depends only on the content of the report, so all nodes have the
   * same estimate.
   */
  readonly bytes: number;
}

/**
 * Decodes a report.
 * @param files the JSON text of the stored files
 * @param since the member `since` of each file, in the order of their paths; null for a new report
 */
export function decodeReport(
  { checkout, workspace, branch, base }: ReportHead,
  files: string,
  since: readonly number[] | null,
): Report {
  const stored = inOrder(JSON.parse(files) as StoredFiles);
  let numbers = 0;
  for (const { lines = [] } of stored) numbers += lines.length & ~1;
  const lines = new Int32Array(numbers);
  const decoded: ReportedFile[] = [];
  let bytes = RADAR_REPORT_BYTES + numbers * (RADAR_RANGE_BYTES / 2);
  const report = { checkout, workspace, branch, base, files: decoded, lines, bytes: 0 };
  let end = 0;
  for (const { path, lines: ranges = [], deleted = false, blob = null } of stored) {
    const start = end;
    end = writeSorted(lines, start, ranges);
    decoded.push({ report, path, start, end, deleted, blob, since: since?.[decoded.length] ?? 0 });
    bytes += RADAR_FILE_BYTES + 2 * path.length;
  }
  report.bytes = bytes;
  return report;
}

/** Returns the files in the order of their paths. If a path occurs several times, only its first file is returned. */
function inOrder(files: StoredFiles): StoredFiles {
  const isSorted = files.every(({ path }, at) => at === 0 || (files[at - 1]?.path ?? "") < path);
  if (isSorted) return files;
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return sorted.filter(({ path }, at) => at === 0 || sorted[at - 1]?.path !== path);
}

/**
 * Writes ranges to `lines`, beginning at `start`, in the order of their first lines. Returns the end of the written
 * part.
 */
function writeSorted(lines: Int32Array, start: number, ranges: readonly number[]): number {
  let at = start;
  let previous = 0;
  let isSorted = true;
  for (let from = 0; from + 1 < ranges.length; from += 2) {
    const first = ranges[from] ?? 0;
    if (first < previous) isSorted = false;
    previous = first;
    lines[at++] = first;
    lines[at++] = ranges[from + 1] ?? 0;
  }
  if (isSorted) return at;
  const pairs = Array.from({ length: (at - start) / 2 }, (_, pair) => [
    lines[start + 2 * pair] ?? 0,
    lines[start + 2 * pair + 1] ?? 0,
  ]);
  pairs.sort(([a = 0, c = 0], [b = 0, d = 0]) => a - b || c - d);
  for (const [pair, [first = 0, last = 0]] of pairs.entries()) {
    lines[start + 2 * pair] = first;
    lines[start + 2 * pair + 1] = last;
  }
  return at;
}

/** Returns whether two reports have the same change of a file. */
export function isSameChange(one: ReportedFile, other: ReportedFile): boolean {
  const length = one.end - one.start;
  if (one.deleted !== other.deleted || one.blob !== other.blob || length !== other.end - other.start) return false;
  for (let at = 0; at < length; at++)
    if (one.report.lines[one.start + at] !== other.report.lines[other.start + at]) return false;
  return true;
}
