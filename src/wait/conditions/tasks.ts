/**
 * `task`: tasks that the caller could claim now, each reported once; `task_ended`: one that has ended, and each time
 * that it does. Runs on the front.
 */
import { WAIT_MARK_CHARACTERS_MAX } from "../../../schemas/limits.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import type { Directory } from "../../instances/directory.js";
import type { CallContext } from "../../rpc/frames.js";
import { encodeTask } from "../../tasks/encode.js";
import type { OfferedTask, TaskMirror } from "../../tasks/mirror.js";
import { type Claimant, mayClaim } from "../../tasks/pool.js";
import type { TaskReader } from "../../tasks/table.js";
import { hasEnded, noTask } from "../../tasks/task.js";
import { type AnyConditionRow, conditionRow, type Looked } from "../condition.js";
import { type Grant, readGrant, takes } from "../grant.js";
import { type EventData, GRANTED, type LookingBack } from "../looking-back.js";

export interface Tasks {
  readonly mirror: TaskMirror;
  /** On the front's own handle. */
  readonly reader: TaskReader;
  readonly directory: Directory;
  readonly clock: Clock;
}

const RADIX = 36;
/** Of when a task became ready: enough to tell one turn of it from the next. */
const TURN_CHARACTERS = 4;
const NUMBER = "[0-9a-z]{1,11}";
const NOTHING: Looked = { matched: null, mark: "" };

interface Subject {
  readonly instance: string;
  readonly workspace: string | null;
}

/** A task that is ready, with its turn. */
function nameOf({ row, ready_at }: OfferedTask): string {
  return `${row.toString(RADIX)}-${ready_at.toString(RADIX).slice(-TURN_CHARACTERS)}`;
}

/** What a mark says: the event up to which all is known, and the tasks that were reported, oldest first. */
function readMark(mark: string): { readonly event: number; readonly names: readonly string[] } {
  const [event = "", ...names] = mark.split(".");
  return { event: event === "" ? 0 : Number.parseInt(event, RADIX), names };
}

/** Of too many, those that were reported last. */
function writeMark(event: number, names: readonly string[]): string {
  const first = event.toString(RADIX);
  let length = first.length;
  const kept: string[] = [];
  for (const name of names.toReversed()) {
    length += name.length + 1;
    if (length > WAIT_MARK_CHARACTERS_MAX) break;
    kept.push(name);
  }
  return [first, ...kept.toReversed()].join(".");
}

export function taskRow({ mirror, reader, directory, clock }: Tasks, back: LookingBack): AnyConditionRow {
  const claimantOf = ({ instance, workspace }: Subject): Claimant | undefined => {
    const entry = directory.get(instance);
    if (entry === undefined) return undefined;
    const { id, name, capabilities } = entry;
    return { id, name, capabilities, workspace: workspace ?? entry.workspace, labels: [] };
  };
  /** The tasks that were reported and could still be claimed: but for those that were somebody's lease meanwhile. */
  const stillKnown = async (
    mark: string,
    claimant: Claimant,
    context: CallContext,
  ): Promise<readonly OfferedTask[] | Failure> => {
    const { event, names } = readMark(mark);
    const known = names.flatMap((name) => {
      const task = mirror.get(Number.parseInt(name, RADIX));
      if (task === undefined || nameOf(task) !== name) return [];
      return mayClaim(task, claimant, clock.now()) && mirror.isFree(task, claimant.id) ? [task] : [];
    });
    const leased = known.filter(({ resources }) => resources.length > 0);
    if (leased.length === 0) return known;
    const taken = new Set<OfferedTask>();
    const note = (data: EventData): false => {
      const grant = readGrant(data);
      if (grant === undefined) return false;
      for (const task of leased) if (needs(task, grant, claimant.id)) taken.add(task);
      return false;
    };
    const unsure = await back.happened(GRANTED, event, note, context);
    if (unsure instanceof Failure) return unsure;
    return known.filter((task) => (unsure ? task.resources.length === 0 : !taken.has(task)));
  };
  return conditionRow<Subject>({
    parameter: "task",
    read: (texts, { instance, workspace }) => {
      if (texts.length === 0) return [];
      return instance === "" ? NEEDS_INSTANCE : [{ instance, workspace }];
    },
    identity: ({ instance, workspace }) => [instance, workspace],
    marks: new RegExp(`^${NUMBER}(?:\\.${NUMBER}-[0-9a-z]{1,${TURN_CHARACTERS}})*$`),
    start: () => "",
    listen: (subject, waiter) => {
      const listener = {
        offered: (task: OfferedTask): void => {
          const claimant = claimantOf(subject);
          if (claimant !== undefined && mayClaim(task, claimant, clock.now())) waiter.wake();
        },
      };
      mirror.listen(listener);
      return () => mirror.unlisten(listener);
    },
    look: async (subject, mark, context) => {
      const claimant = claimantOf(subject);
      if (claimant === undefined) return NOTHING;
      const now = back.now;
      const known = await stillKnown(mark, claimant, context);
      if (known instanceof Failure) return known;
      const told = new Set(known);
      const found = mirror.best(claimant, clock.now(), (task) => !told.has(task));
      const task = found === undefined ? undefined : reader.get(found.row);
      const names = known.map(nameOf);
      if (found === undefined || task === undefined) return { matched: null, mark: writeMark(now, names) };
      const matched = `{"kind":"task","task":${encodeTask(task)}}`;
      return { matched, mark: writeMark(now, [...names, nameOf(found)]) };
    },
    rest: (_subject, mark) => writeMark(back.now, readMark(mark).names),
  });
}

/** Whether a grant was somebody else's, and of something that a task needs. */
function needs({ resources, workspace }: OfferedTask, grant: Grant, claimant: string): boolean {
  return resources.some(({ text }) => takes(grant, { text, workspace }, claimant));
}

export function taskEndedRow({ mirror, reader }: Tasks): AnyConditionRow {
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
    // When it ended.
    marks: new RegExp(`^${NUMBER}$`),
    start: () => "",
    listen: ({ id }, waiter) => mirror.wakeBy(id, waiter),
    look: ({ row }, mark) => {
      const task = reader.get(row);
      if (task === undefined || !hasEnded(task.state)) return { matched: null, mark };
      const ended = (task.ended_at ?? 0).toString(RADIX);
      return { matched: ended === mark ? null : `{"kind":"task","task":${encodeTask(task)}}`, mark: ended };
    },
  });
}
