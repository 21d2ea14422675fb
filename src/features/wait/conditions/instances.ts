/**
 * The condition `instance`: an instance is active, stale or gone. The client gives the id of the instance, or a name. A
 * name means the newest instance with that name. Runs on the front.
 *
 * The mark has the row of the reported instance and a second value. This value shows whether the status has changed
 * between two calls. If the instance was active, it is the id of the newest event. If the instance was stale, it is the
 * time at which the instance was last seen. If the instance is gone, the row is that of the last instance with the
 * name.
 */
import { WAIT_STATUSES, type WaitStatus } from "../../../../schemas/wait.js";
import { Failure, invalid } from "../../../base/result.js";
import type { Directory } from "../../instances/directory.js";
import { encodeInstance, type Entry } from "../../instances/entry.js";
import type { InstanceWatch } from "../../instances/watch.js";
import type { CallContext } from "../../../platform/rpc/frames.js";
import { type AnyConditionRow, conditionRow } from "../condition.js";
import { type MissedEvents, STALE } from "../missed-events.js";

export interface Present {
  readonly directory: Directory;
  readonly watch: InstanceWatch;
}

interface Subject {
  readonly named: string;
  readonly workspace: string | null;
  readonly is: WaitStatus;
}

/**
 * The test of one status. `holds` returns whether the instance has the status. `reported` returns whether the status
 * was already reported, according to the mark. `next` returns the mark after a report.
 */
interface Test {
  readonly holds: (entry: Entry | undefined) => boolean;
  readonly next: (entry: Entry | undefined, subject: Subject) => string;
  readonly reported: (
    entry: Entry | undefined,
    mark: string,
    context: CallContext,
    subject: Subject,
  ) => boolean | Failure | Promise<boolean | Failure>;
}

export function instanceRow({ directory, watch }: Present, missedEvents: MissedEvents): AnyConditionRow {
  const tests: Readonly<Record<WaitStatus, Test>> = {
    active: {
      holds: (entry) => entry?.status === "active",
      next: (entry) => `${entry?.row}.${missedEvents.now}`,
      reported: async (entry, mark, context) => {
        const [row, event] = mark.split(".").map(Number);
        if (row !== entry?.row) return false;
        const missed = await missedEvents.happened(
          STALE,
          event ?? 0,
          ({ instance_id }) => instance_id === entry?.id,
          context,
        );
        return missed instanceof Failure ? missed : !missed;
      },
    },
    stale: {
      holds: (entry) => entry?.status === "stale",
      next: (entry) => `${entry?.row}.${entry?.last_seen}`,
      reported: (entry, mark) => mark === `${entry?.row}.${entry?.last_seen}`,
    },
    gone: {
      holds: (entry) => entry === undefined,
      next: (_entry, { named, workspace }) => `${watch.lastOf(named, workspace) ?? 0}.0`,
      // After a restart, the watch does not know the earlier instances of a name. So the instance in the mark counts as
      // the last one.
      reported: (_entry, mark, _context, { named, workspace }) =>
        (watch.lastOf(named, workspace) ?? Number.parseInt(mark, 10)) === Number.parseInt(mark, 10),
    },
  };
  return conditionRow<Subject>({
    parameter: "instance",
    read: (texts, { workspace, is }) => {
      if (texts.length === 0) return [];
      if (is === null) return invalid(`is must be one of ${WAIT_STATUSES.join(", ")}`);
      return texts.map((named) => ({ named, workspace, is }));
    },
    identity: ({ named, workspace, is }) => [named, workspace, is],
    marks: /^\d{1,15}\.\d{1,15}$/,
    start: () => "",
    listen: ({ named }, waiter) => watch.listen(named, waiter),
    look: async (subject, mark, context) => {
      const { named, workspace, is } = subject;
      const entry = directory.get(named) ?? directory.newest(named, workspace ?? undefined);
      const { holds, next, reported } = tests[is];
      if (!holds(entry)) return { matched: null, mark: "" };
      const now = next(entry, subject);
      const again = mark !== "" && (await reported(entry, mark, context, subject));
      if (again instanceof Failure) return again;
      if (again) return { matched: null, mark: now };
      const shown = entry === undefined ? "null" : encodeInstance(entry);
      return { matched: `{"kind":"instance","instance":${shown}}`, mark: now };
    },
  });
}
