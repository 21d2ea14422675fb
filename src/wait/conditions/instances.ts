/**
 * `instance`: an instance by its id, or the newest one of a name, is active, stale or gone. The mark keeps which
 * instance was reported. For an active one it also has the newest event, and for a stale one the time when it was last
 * seen, because the status may have changed in between. For one that is gone, it has the last instance of the name.
 * Runs on the front.
 */
import { WAIT_STATUSES, type WaitStatus } from "../../../schemas/wait.js";
import { Failure, invalid } from "../../base/result.js";
import { type Directory, encodeInstance, type Entry } from "../../instances/directory.js";
import type { InstanceWatch } from "../../instances/watch.js";
import type { CallContext } from "../../rpc/frames.js";
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
 * The test for a status: whether it holds, and whether that was reported under this mark. `next` is the mark of a
 * report now.
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
      // The watch does not remember instances that came and went before a restart.
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
