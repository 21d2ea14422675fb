/**
 * Creates the component for calls that wait until one of several conditions holds. It reads the data of several areas,
 * because each kind of condition is about a different area.
 */
import { auditReader } from "../features/audit/table.js";
import { eventReader } from "../features/events/table.js";
import { SPECS, STATE } from "../features/versioned/space.js";
import { specReader, stateReader } from "../features/versioned/table.js";
import { KeyWatch } from "../features/versioned/watch.js";
import { conditionRows } from "../features/wait/conditions.js";
import { WaitFront } from "../features/wait/front.js";
import { MissedEvents } from "../features/wait/missed-events.js";
import type { AgentsArea } from "./agents.js";
import type { BudgetsArea } from "./budgets.js";
import type { ClaimsArea } from "./claims.js";
import type { ClusterArea } from "./cluster.js";
import type { EventsArea } from "./events.js";
import type { Ground } from "./ground.js";
import type { MessagesArea } from "./messages.js";

export interface WaitingUses {
  readonly agents: AgentsArea;
  readonly budgets: Pick<BudgetsArea, "limits">;
  readonly claims: ClaimsArea;
  readonly cluster: ClusterArea;
  readonly events: EventsArea;
  readonly messages: MessagesArea;
}

export function makeWaiting({ clock, threads }: Ground, uses: WaitingUses): WaitFront {
  const { writer, reads } = threads;
  const { hub, history } = uses.events;
  const { directory, watch } = uses.agents;
  const { leases, presenter, resources, tasks, taskReader } = uses.claims;
  const { boxes, reader: messageRows } = uses.messages;
  const stored = reads.model(eventReader);
  const [stateRows, specRows, audit] = [reads.model(stateReader), reads.model(specReader), reads.model(auditReader)];
  return new WaitFront({
    rows: conditionRows({
      hub,
      history,
      missedEvents: new MissedEvents({ hub, history, stored }),
      state: { reader: stateRows, watch: new KeyWatch(writer.changes, STATE), audit },
      specs: { reader: specRows, watch: new KeyWatch(writer.changes, SPECS), audit },
      messages: { boxes, reader: messageRows, clock },
      leases: { leases, presenter, resources, directory },
      tasks: { tasks, presenter, reader: taskReader, directory, watch, clock },
      instances: { directory, watch },
    }),
    hub,
    stored,
    directory,
    limits: uses.budgets.limits,
    clock,
    valuesPosition: () => ({ state: stateRows.lastRow, spec: specRows.lastRow, audit: audit.lastId }),
    positions: uses.cluster.front,
  });
}
