/**
 * Decides whether and how the changes of one file in two checkouts overlap. Line numbers are those of the base commit,
 * as `git diff` counts them. The writer and the worker pool use the same code. Pure.
 */
import { OVERLAP_KINDS, type OverlapKind } from "../../../schemas/radar.js";
import type { ReportedFile } from "./report.js";

/** Returns the severity of a kind of overlap. A greater number is more severe. */
export function severityOf(kind: OverlapKind): number {
  return OVERLAP_KINDS.indexOf(kind);
}

/**
 * Returns how two changes of the same path overlap. Returns null if they do not: both checkouts deleted the file, or
 * both have the same content.
 */
export function overlapOf(one: ReportedFile, other: ReportedFile): OverlapKind | null {
  if (one.deleted !== other.deleted) return "delete";
  if (one.deleted) return null;
  if (one.blob !== null && one.blob === other.blob) return null;
  return rangesMeet(one, other) ? "lines" : "file";
}

/**
 * Returns whether any range of one change meets a range of the other. Neighbouring ranges also meet, because git merges
 * two changes only if an unchanged line is between them. A change without ranges affects the whole file, and meets
 * every change.
 *
 * The ranges of each change are sorted by their first lines. The loop compares one range of each change. If the two do
 * not meet, the one that ends first cannot meet a later range of the other change. So the loop moves on to the next
 * range of that change.
 */
function rangesMeet(one: ReportedFile, other: ReportedFile): boolean {
  if (one.start === one.end || other.start === other.end) return true;
  const ours = one.report.lines;
  const theirs = other.report.lines;
  let at = one.start;
  let to = other.start;
  while (at < one.end && to < other.end) {
    const ourLast = ours[at + 1] ?? 0;
    const theirLast = theirs[to + 1] ?? 0;
    if ((ours[at] ?? 0) <= theirLast + 1 && (theirs[to] ?? 0) <= ourLast + 1) return true;
    if (ourLast < theirLast) at += 2;
    else to += 2;
  }
  return false;
}
