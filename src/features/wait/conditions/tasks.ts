/**
 * The conditions about tasks. `task` holds when the caller could claim a task now; each such task is reported once.
 * `task_ended` holds when a task has ended. If the task is retried, its next end is reported too. Runs on the front.
 */
import { WAIT_TASKS_COMPARED_MAX } from "../../../../schemas/limits/wait.js";
import { NEEDS_INSTANCE } from "../../../base/needs-instance.js";
import type { Clock } from "../../../base/clock.js";
import { Failure } from "../../../base/result.js";
import type { LeasePresenter } from "../../claims/lease-presenter.js";
import type { Directory } from "../../instances/directory.js";
import type { InstanceWatch } from "../../instances/watch.js";
import type { CallContext } from "../../../platform/rpc/frames.js";
import { isAfter, type SortKey } from "../../tasks/readiness-index.js";
import { encodeTask } from "../../tasks/encode.js";
import type { ClaimableTask, TaskProjection } from "../../tasks/task-projection.js";
import { type Claimant, levelOf, mayClaim } from "../../tasks/ready-queue.js";
import type { TaskReader } from "../../tasks/table.js";
import { contenderForTask, hasEnded, noTask } from "../../tasks/task.js";
import { ClaimableWatch } from "./claimable-watch.js";
import { type AnyConditionRow, conditionRow, type Looked } from "../condition.js";
import { type Grant, readGrant, takes } from "../grant.js";
import { type EventData, GRANTED, type MissedEvents } from "../missed-events.js";
import {
  ableOf,
  fits,
  nameOf,
  watermarksUpTo,
  readReported,
  rowOf,
  settledBefore,
  REPORTED_TASKS,
  reportedAfter,
  type ReportedTasks,
  writeReported,
} from "../reported-tasks.js";

export interface Tasks {
  readonly tasks: TaskProjection;
  readonly presenter: LeasePresenter;
  /** Reads tasks through the front's own database handle. */
  readonly reader: TaskReader;
  readonly directory: Directory;
  readonly watch: InstanceWatch;
  readonly clock: Clock;
}

const START: SortKey = { at_ms: 0, row: 0 };
const NOTHING: Looked = { matched: null, mark: "" };

interface Subject {
  readonly instance: string;
  readonly workspace: string | null;
}

export function taskRow(
  { tasks, presenter, reader, directory, watch, clock }: Tasks,
  missedEvents: MissedEvents,
): AnyConditionRow {
  const claimable = new ClaimableWatch(tasks);
  const claimantOf = ({ instance, workspace }: Subject): Claimant | undefined => {
    const entry = directory.get(instance);
    if (entry === undefined) return undefined;
    const { id, name, parent, capabilities } = entry;
    return { id, name, parent, capabilities, workspace: workspace ?? entry.workspace, labels: [] };
  };
  /** Returns whether a granted lease conflicts with a claim of a task. */
  const needs = ({ resources, workspace }: ClaimableTask, grant: Grant, claimant: Claimant): boolean => {
    const asked = contenderForTask(claimant);
    return resources.some(({ text }) => takes(grant, { text, workspace }, asked, (row) => presenter.find(row)));
  };
  /**
   * Returns the reported tasks that can still be claimed. Leaves out a task if another agent has leased one of its
   * resources since the report. Such a task must be reported again when the resource is free.
   */
  const stillKnown = async (
    { event, names }: ReportedTasks,
    claimant: Claimant,
    context: CallContext,
  ): Promise<readonly ClaimableTask[] | Failure> => {
    const known = names.flatMap((name) => {
      const task = tasks.get(rowOf(name));
      if (task === undefined || nameOf(task) !== name) return [];
      return mayClaim(task, claimant, clock.now()) && tasks.isFree(task, claimant) ? [task] : [];
    });
    const leased = known.filter(({ resources }) => resources.length > 0);
    if (leased.length === 0) return known;
    const taken = new Set<ClaimableTask>();
    const recordGrant = (data: EventData): false => {
      const grant = readGrant(data);
      if (grant === undefined) return false;
      for (const task of leased) if (needs(task, grant, claimant)) taken.add(task);
      return false;
    };
    const unsure = await missedEvents.happened(GRANTED, event, recordGrant, context);
    if (unsure instanceof Failure) return unsure;
    return known.filter((task) => (unsure ? task.resources.length === 0 : !taken.has(task)));
  };
  /**
   * Finds the next task to report. If the cursor has room for one more name, this is the best unreported task.
   * Otherwise it is the unreported task that became claimable first. A watermark can then advance to this task, and the
   * names before it are no longer needed.
   */
  const next = (
    event: number,
    watermark: SortKey | null,
    claimant: Claimant,
    known: readonly ClaimableTask[],
  ): { readonly found: ClaimableTask | undefined; readonly reported: ReportedTasks } => {
    const nowMs = clock.now();
    const names = new Set(known);
    const isNew = (task: ClaimableTask): boolean => !names.has(task);
    const best =
      watermark === null
        ? tasks.best(claimant, nowMs, isNew)
        : bestOf(tasks.claimableAfter(watermark, claimant, nowMs), isNew, nowMs);
    if (best === undefined) {
      const moved = watermark === null ? null : later(watermark, settledBefore(nowMs));
      return { found: undefined, reported: reportedAfter(event, moved, claimant, known) };
    }
    const reported = reportedAfter(event, watermark, claimant, [...known, best]);
    if (fits(reported)) return { found: best, reported };
    for (const found of tasks.claimableAfter(watermark ?? START, claimant, nowMs)) {
      if (!isNew(found)) continue;
      for (const upTo of watermarksUpTo(found, claimant, nowMs)) {
        const moved = reportedAfter(event, later(watermark ?? START, upTo), claimant, [...known, found]);
        if (fits(moved)) return { found, reported: moved };
      }
    }
    return { found: undefined, reported };
  };
  return conditionRow<Subject>({
    parameter: "task",
    read: (texts, { instance, workspace }) => {
      if (texts.length === 0) return [];
      return instance === "" ? NEEDS_INSTANCE : [{ instance, workspace }];
    },
    identity: ({ instance, workspace }) => [instance, workspace],
    marks: REPORTED_TASKS,
    start: () => "",
    listen: (subject, waiter) => {
      const unlisten = claimable.add({
        waiter,
        mayClaim: (task) => {
          const claimant = claimantOf(subject);
          return claimant !== undefined && mayClaim(task, claimant, clock.now());
        },
      });
      // Watch the caller's instance, because its capabilities may change.
      const unwatch = watch.listen(subject.instance, waiter);
      return () => {
        unlisten();
        unwatch();
      };
    },
    look: async (subject, mark, context) => {
      const claimant = claimantOf(subject);
      if (claimant === undefined) return NOTHING;
      const now = missedEvents.now;
      const before = readReported(mark);
      const known = await stillKnown(before, claimant, context);
      if (known instanceof Failure) return known;
      const watermark = before.able === ableOf(claimant) ? before.watermark : null;
      const { found, reported } = next(now, watermark, claimant, known);
      if (found === undefined) return { matched: null, mark: writeReported(reported) };
      const task = reader.get(found.row);
      if (task === undefined)
        return { matched: null, mark: writeReported(reportedAfter(now, watermark, claimant, known)) };
      return { matched: `{"kind":"task","task":${encodeTask(task)}}`, mark: writeReported(reported) };
    },
    rest: (_subject, mark) => writeReported({ ...readReported(mark), event: missedEvents.now }),
  });
}

function later(one: SortKey, other: SortKey): SortKey {
  return isAfter(one, other) ? one : other;
}

/** Returns the best task for which `isNew` returns true. Compares only the first WAIT_TASKS_COMPARED_MAX of them. */
function bestOf(
  tasks: Iterable<ClaimableTask>,
  isNew: (task: ClaimableTask) => boolean,
  nowMs: number,
): ClaimableTask | undefined {
  let best: { readonly task: ClaimableTask; readonly level: number } | undefined;
  let left = WAIT_TASKS_COMPARED_MAX;
  for (const task of tasks) {
    if (!isNew(task)) continue;
    const level = levelOf(task, nowMs);
    if (best === undefined || level > best.level || (level === best.level && task.row < best.task.row))
      best = { task, level };
    left -= 1;
    if (left === 0) break;
  }
  return best?.task;
}

export function taskEndedRow({ tasks, reader }: Tasks): AnyConditionRow {
  return conditionRow<{ readonly id: string; readonly row: number }>({
    parameter: "task_ended",
    read: (texts) => {
      const subjects: { readonly id: string; readonly row: number }[] = [];
      for (const id of texts) {
        const row = reader.rowOf(id);
        if (row === undefined) return noTask(id);
        subjects.push({ id, row });
      }
      return subjects;
    },
    identity: ({ row }) => [row],
    // The mark is the time at which the task ended, as it was reported.
    marks: /^[0-9a-z]{1,11}$/,
    start: () => "",
    listen: ({ id }, waiter) => tasks.wakeBy(id, waiter),
    look: ({ row }, mark) => {
      const task = reader.get(row);
      if (task === undefined || !hasEnded(task.state)) return { matched: null, mark };
      const ended = (task.ended_at ?? 0).toString(36);
      return { matched: ended === mark ? null : `{"kind":"task","task":${encodeTask(task)}}`, mark: ended };
    },
  });
}
