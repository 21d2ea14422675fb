/** The table of all conditions of a wait. Each type of condition has one row. Runs on the front. */
import { WAIT_CONDITIONS_MAX } from "../../../schemas/limits/wait.js";
import type { WaitQuery } from "../../../schemas/wait.js";
import { Failure, invalid } from "../../base/result.js";
import type { EventHistory } from "../events/history.js";
import type { Hub } from "../events/hub.js";
import { type AnyConditionRow, type Requester, Condition } from "./condition.js";
import { eventRow } from "./conditions/events.js";
import { instanceRow, type Present } from "./conditions/instances.js";
import { freeRow, leaseRow, type Leases } from "./conditions/leases.js";
import { type InBoxes, messageRow } from "./conditions/messages.js";
import { taskEndedRow, taskRow, type Tasks } from "./conditions/tasks.js";
import { type Values, valueRows } from "./conditions/values.js";
import type { MissedEvents } from "./missed-events.js";

/** The parts of the server whose state the conditions examine. */
export interface Watched {
  readonly hub: Hub;
  readonly history: EventHistory;
  readonly missedEvents: MissedEvents;
  readonly state: Values;
  readonly specs: Values;
  readonly messages: InBoxes;
  readonly leases: Leases;
  readonly tasks: Tasks;
  readonly instances: Present;
}

export function conditionRows({
  hub,
  history,
  missedEvents,
  state,
  specs,
  messages,
  leases,
  tasks,
  instances,
}: Watched) {
  return [
    eventRow(hub, history),
    ...valueRows(state),
    ...valueRows(specs),
    messageRow(messages),
    leaseRow(leases),
    freeRow(leases, missedEvents),
    taskRow(tasks, missedEvents),
    taskEndedRow(tasks),
    instanceRow(instances, missedEvents),
  ] satisfies readonly AnyConditionRow[];
}

/**
 * Returns the conditions of a call, without duplicates. Returns a 400 if there are none or if one is malformed, and a
 * 404 if a subject does not exist.
 */
export function readConditions(
  rows: readonly AnyConditionRow[],
  query: WaitQuery,
  requester: Requester,
): readonly Condition[] | Failure {
  const conditions = new Map<string, Condition>();
  for (const row of rows) {
    const subjects = row.read(textsOf(query[row.parameter]), requester);
    if (subjects instanceof Failure) return subjects;
    for (const subject of subjects) {
      const condition = new Condition(row, subject);
      conditions.set(condition.name, condition);
    }
  }
  if (conditions.size > WAIT_CONDITIONS_MAX) return invalid(`more than ${WAIT_CONDITIONS_MAX} conditions are given`);
  return conditions.size === 0
    ? invalid(`no condition is given: ${rows.map(({ parameter }) => parameter).join(", ")}`)
    : [...conditions.values()];
}

/**
 * Returns the values of a query parameter as texts. A flag has the number 1 as its value, which becomes the text "1".
 */
function textsOf(value: readonly string[] | number | undefined): readonly string[] {
  return typeof value === "object" ? value : value === 1 ? ["1"] : [];
}
