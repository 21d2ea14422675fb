/**
 * Keeps the reports of a workspace in memory, and compares a new report with them. It finds the overlaps that appear,
 * get worse or end. The changes are indexed by path, so a report is compared only with changes of the same paths. Pure
 * except for its state.
 */
import type { OverlapKind } from "../../../schemas/radar.js";
import { overlapOf, severityOf } from "./overlap.js";
import { isSameChange, type Report, type ReportedFile } from "./report.js";

/** The effects of a new report on the overlaps between its checkout and one other checkout. The paths are sorted. */
export interface PairChange {
  readonly other: Report;
  /** The paths of the overlaps that have appeared or got worse, by their new kind. */
  readonly appeared: Readonly<Record<OverlapKind, string[]>>;
  /** The paths of the overlaps that have ended. */
  readonly cleared: string[];
}

export class WorkspaceReports {
  readonly #reports = new Map<string, Report>();
  /** The changes of all checkouts, by path. No list is empty. */
  readonly #byPath = new Map<string, ReportedFile[]>();
  #bytes = 0;

  get size(): number {
    return this.#reports.size;
  }

  /** The memory of all reports in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get(checkout: string): Report | undefined {
    return this.#reports.get(checkout);
  }

  /** Adds the report of a checkout. The checkout must not have a report yet. */
  add(report: Report): void {
    this.#reports.set(report.checkout, report);
    this.#bytes += report.bytes;
    for (const file of report.files) this.#addFile(file);
  }

  remove(report: Report): void {
    this.#reports.delete(report.checkout);
    this.#bytes -= report.bytes;
    for (const file of report.files) this.#removeFile(file);
  }

  /**
   * Replaces the report of a checkout. This is cheaper than removing and adding it, because most paths are usually in
   * both reports.
   */
  replace(before: Report, after: Report): void {
    this.#reports.set(after.checkout, after);
    this.#bytes += after.bytes - before.bytes;
    for (const [old, now] of pairsByPath(before.files, after.files)) {
      if (now === null) this.#removeFile(old as ReportedFile);
      else if (old === null) this.#addFile(now);
      else {
        const files = this.#byPath.get(now.path) ?? [];
        files[files.indexOf(old)] = now;
      }
    }
  }

  /**
   * Finds the overlaps that change when a checkout's report `before` is replaced by `after`. Compares both with the
   * reports of all other checkouts, and sets the `since` of each file of `after`. Neither report needs to be in this
   * collection.
   * @param before the previous report; null if this workspace had none
   * @param after the new report; null if the report ends
   * @param nowMs the start time of the overlaps that begin
   * @returns the changed overlaps of each other checkout, in the order of the checkouts' ids
   */
  difference(before: Report | null, after: Report | null, nowMs: number): readonly PairChange[] {
    const changes = new Map<Report, PairChange>();
    for (const [old, now] of pairsByPath(before?.files ?? [], after?.files ?? [])) {
      if (old !== null && now !== null && isSameChange(old, now)) now.since = old.since;
      else this.#compare(old, now, nowMs, changes);
    }
    return [...changes.values()].sort((a, b) => (a.other.checkout < b.other.checkout ? -1 : 1));
  }

  #addFile(file: ReportedFile): void {
    const files = this.#byPath.get(file.path);
    if (files === undefined) this.#byPath.set(file.path, [file]);
    else files.push(file);
  }

  #removeFile(file: ReportedFile): void {
    const files = this.#byPath.get(file.path) ?? [];
    if (files.length === 1) this.#byPath.delete(file.path);
    else files.splice(files.indexOf(file), 1);
  }

  /**
   * Compares the old and the new change of one path with the changes of the other checkouts. One of the two may be
   * null.
   */
  #compare(old: ReportedFile | null, now: ReportedFile | null, nowMs: number, changes: Map<Report, PairChange>): void {
    const { path, report } = (now ?? old) as ReportedFile;
    let continues = false;
    for (const other of this.#byPath.get(path) ?? []) {
      if (other.report.checkout === report.checkout) continue;
      const was = old === null ? null : overlapOf(old, other);
      const is = now === null ? null : overlapOf(now, other);
      if (is === null) {
        if (was !== null) changeOf(changes, other.report).cleared.push(path);
        continue;
      }
      if (was !== null) continues = true;
      if (was === null || severityOf(is) > severityOf(was)) changeOf(changes, other.report).appeared[is].push(path);
    }
    if (now !== null) now.since = continues && old !== null ? old.since : nowMs;
  }
}

function changeOf(changes: Map<Report, PairChange>, other: Report): PairChange {
  const known = changes.get(other);
  if (known !== undefined) return known;
  const change: PairChange = { other, appeared: { file: [], lines: [], delete: [] }, cleared: [] };
  changes.set(other, change);
  return change;
}

/**
 * Yields the old and the new change of each path in two reports, in the order of the paths. A change is null if its
 * report does not have the path.
 */
function* pairsByPath(
  before: readonly ReportedFile[],
  after: readonly ReportedFile[],
): Generator<readonly [old: ReportedFile | null, now: ReportedFile | null], void, undefined> {
  let at = 0;
  let to = 0;
  for (;;) {
    const old = before[at];
    const now = after[to];
    if (old === undefined && now === undefined) return;
    const takesOld = old !== undefined && (now === undefined || old.path <= now.path);
    const takesNow = now !== undefined && (old === undefined || now.path <= old.path);
    yield [takesOld ? old : null, takesNow ? now : null];
    if (takesOld) at += 1;
    if (takesNow) to += 1;
  }
}
