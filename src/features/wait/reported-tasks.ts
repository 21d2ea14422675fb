/**
 * The set of tasks that were already reported to a waiting client. It is stored in the client's cursor. A small set
 * lists the names of the tasks. Then the client always gets its best unreported task next, and gets a task again only
 * after the task has changed.
 *
 * A large set has a watermark: a position in the order in which tasks became claimable (tasks/readiness-index.ts). All
 * tasks up to the watermark count as reported, and the set lists only the names of later tasks. So the size of the
 * cursor is bounded for any number of tasks. A task that becomes claimable later always sorts after the watermark.
 * Pure.
 */
import { WAIT_MARK_CHARACTERS_MAX, WAIT_SETTLED_MS } from "../../../schemas/limits/wait.js";
import { isAfter, type SortKey, since } from "../tasks/readiness-index.js";
import type { ClaimableTask } from "../tasks/task-projection.js";
import type { Claimant } from "../tasks/ready-queue.js";
import { nameOf as digest } from "./cursor.js";

export interface ReportedTasks {
  /** The id of the newest event whose effect on the listed tasks was taken into account. */
  readonly event: number;
  /**
   * All tasks up to this sort key count as reported. Null if there is no watermark, so that only the tasks in the list
   * of names count.
   */
  readonly watermark: SortKey | null;
  /**
   * A digest of the claimant's capabilities when the watermark was set. If the capabilities have changed, the watermark
   * is invalid: the claimant may now claim other tasks before it.
   */
  readonly able: string;
  readonly names: readonly string[];
}

const RADIX = 36;
/**
 * The name of a task in a cursor ends with this number of characters of `updated_at`. They distinguish two versions of
 * the task.
 */
const VERSION_CHARACTERS = 4;
/**
 * The maximum length of all names in a mark. The other 64 characters of the mark are for the event, the watermark and
 * the digest.
 */
const NAMES_CHARACTERS_MAX = WAIT_MARK_CHARACTERS_MAX - 64;
const NUMBER = "[0-9a-z]{1,11}";

export const REPORTED_TASKS = new RegExp(
  `^${NUMBER}(?:\\._${NUMBER}-${NUMBER}-[\\w-]{8})?(?:\\.${NUMBER}-[0-9a-z]{1,${VERSION_CHARACTERS}})*$`,
);

/** Returns the name of a ready task in a cursor. The name changes with each change of the task. */
export function nameOf({ row, updated_at }: ClaimableTask): string {
  return `${row.toString(RADIX)}-${updated_at.toString(RADIX).slice(-VERSION_CHARACTERS)}`;
}

export function rowOf(name: string): number {
  return Number.parseInt(name, RADIX);
}

export function readReported(mark: string): ReportedTasks {
  const [event = "", ...all] = mark.split(".");
  const names = lastThatFit(all);
  const known = { event: event === "" ? 0 : Number.parseInt(event, RADIX), watermark: null, able: "", names };
  const [, at = "", row = "", able = ""] = /^_(\w+)-(\w+)-(.+)$/.exec(all[0] ?? "") ?? [];
  if (able === "") return known;
  const watermark = { at_ms: Number.parseInt(at, RADIX), row: Number.parseInt(row, RADIX) };
  return { ...known, watermark, able, names: lastThatFit(all.slice(1)) };
}

/** Returns as many of the last names as fit into a cursor. A cursor of an earlier version may have more. */
function lastThatFit(names: readonly string[]): readonly string[] {
  let room = NAMES_CHARACTERS_MAX;
  const from = names.findLastIndex((name) => (room -= name.length + 1) < 0);
  return names.slice(from + 1);
}

export function writeReported({ event, watermark, able, names }: ReportedTasks): string {
  const texts = [event.toString(RADIX)];
  if (watermark !== null) texts.push(`_${watermark.at_ms.toString(RADIX)}-${watermark.row.toString(RADIX)}-${able}`);
  return [...texts, ...names].join(".");
}

export function ableOf({ capabilities }: Claimant): string {
  return digest(JSON.stringify(capabilities.toSorted()));
}

/**
 * Returns the sort key of a task for a claimant. It is the time since when the claimant can claim the task, and the
 * task's row.
 */
export function sortKeyOf(task: ClaimableTask, claimant: Claimant): SortKey {
  return { at_ms: since(task, claimant), row: task.row };
}

/** Returns a set of reported tasks. It lists only the names of the tasks after the watermark. */
export function reportedAfter(
  event: number,
  watermark: SortKey | null,
  claimant: Claimant,
  tasks: readonly ClaimableTask[],
): ReportedTasks {
  const after = watermark === null ? tasks : tasks.filter((task) => isAfter(sortKeyOf(task, claimant), watermark));
  return { event, watermark, able: watermark === null ? "" : ableOf(claimant), names: after.map(nameOf) };
}

export function fits({ names }: ReportedTasks): boolean {
  return lastThatFit(names).length === names.length;
}

/** Returns a sort key before which no further task can appear: the writer has already reported all of them. */
export function settledBefore(nowMs: number): SortKey {
  return { at_ms: Math.max(0, nowMs - WAIT_SETTLED_MS), row: 0 };
}

/**
 * Returns the sort keys to which the watermark may advance when `task` is reported. The first key is the safest,
 * because no other task can still get a position before it. The last key is that of the task itself. It covers the most
 * tasks.
 */
export function watermarksUpTo(task: ClaimableTask, claimant: Claimant, nowMs: number): readonly SortKey[] {
  const own = sortKeyOf(task, claimant);
  const before = { at_ms: own.at_ms, row: 0 };
  const settled = settledBefore(nowMs);
  return [isAfter(settled, before) ? before : settled, before, own];
}
