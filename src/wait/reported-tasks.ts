/**
 * What a cursor keeps of the tasks that were told of. As long as they are few, their names: then the best is told
 * first, and nothing but what becomes of those tasks matters. Of more it keeps a place in the order in which tasks
 * could be claimed (tasks/readiness-index.ts), up to which all were told of, and the names of those behind it: so it is
 * bounded, however many there are. What can be claimed anew stands behind every such place. Pure.
 */
import { WAIT_MARK_CHARACTERS_MAX, WAIT_SETTLED_MS } from "../../schemas/limits.js";
import { isAfter, type SortKey, since } from "../tasks/readiness-index.js";
import type { ClaimableTask } from "../tasks/task-projection.js";
import type { Claimant } from "../tasks/ready-queue.js";
import { nameOf as digest } from "./cursor.js";

export interface ReportedTasks {
  /** The event up to which it is known what became of those with names. */
  readonly event: number;
  /** Up to where all were told of; null where the names are all. */
  readonly watermark: SortKey | null;
  /** The claimant's capabilities when they were, as a digest: with others it could claim others of them. */
  readonly able: string;
  readonly names: readonly string[];
}

const RADIX = 36;
/** Of when a task was changed: enough to tell one turn of it from the next. */
const VERSION_CHARACTERS = 4;
/** The rest is the event's and the place's. */
const NAMES_CHARACTERS_MAX = WAIT_MARK_CHARACTERS_MAX - 64;
const NUMBER = "[0-9a-z]{1,11}";

export const REPORTED_TASKS = new RegExp(
  `^${NUMBER}(?:\\._${NUMBER}-${NUMBER}-[\\w-]{8})?(?:\\.${NUMBER}-[0-9a-z]{1,${VERSION_CHARACTERS}})*$`,
);

/** A task that is ready, with its turn. */
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

/** Of too many names, as there were in cursors of before, those that were told last. */
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

/** Where a claimant finds a task. */
export function sortKeyOf(task: ClaimableTask, claimant: Claimant): SortKey {
  return { at_ms: since(task, claimant), row: task.row };
}

/** What is told of by names behind a place. */
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

/** Before this, all that could be claimed has come to the front. */
export function settledBefore(now_ms: number): SortKey {
  return { at_ms: Math.max(0, now_ms - WAIT_SETTLED_MS), row: 0 };
}

/**
 * The places up to which all may be said to be told of when the next one is, which has waited longest: first where
 * nothing more can come, at last behind the task itself.
 */
export function watermarksUpTo(task: ClaimableTask, claimant: Claimant, now_ms: number): readonly SortKey[] {
  const own = sortKeyOf(task, claimant);
  const before = { at_ms: own.at_ms, row: 0 };
  const settled = settledBefore(now_ms);
  return [isAfter(settled, before) ? before : settled, before, own];
}
