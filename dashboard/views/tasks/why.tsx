/** Shows why a ready task is not claimed. */
import { agentsLoader } from "../../api/agents.js";
import { overlapLoader } from "../../api/leases.js";
import { tasksLoader } from "../../api/tasks.js";
import { useResource } from "../../api/resource.js";
import type { ListedTask } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { plural } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { LeaseLink } from "../../parts/lease-table.js";
import { Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";
import { whyUnclaimed, type Reason } from "./unclaimed.js";

/** The maximum number of tasks in each state with which the task is compared. */
const COMPARED = 200;
/** The maximum number of tasks or agents that a reason names. */
const NAMED = 3;

export function Unclaimed({ task }: { readonly task: ListedTask }) {
  const agents = useResource(agentsLoader).data.value;
  const leases = useResource(overlapLoader(task.workspace, task.resources)).data.value;
  const byState = useResource(tasksLoader(["ready", "claimed"], { workspace: task.workspace }, COMPARED)).data.value;
  if (agents === undefined || leases === undefined || byState === undefined) return null;
  const tasks = Object.values(byState).flat();
  const reasons = whyUnclaimed(task, { agents, leases, tasks, nowMs: nowMs.value });
  return (
    <Section title="Why no agent has claimed it">
      <ul class="card task-why">
        {reasons.map((reason, at) => (
          <li key={at}>
            <Words reason={reason} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Words({ reason }: { readonly reason: Reason }) {
  switch (reason.why) {
    case "not before":
      return (
        <>
          It cannot be claimed before <Time at={reason.at} as="clock" />, <Time at={reason.at} as="ahead" />.
        </>
      );
    case "assignee is away":
      return (
        <>
          It is for <Agent id={reason.assignee} name={reason.assignee} />, who is not active in its workspace.
        </>
      );
    case "no agents":
      return (
        <>No agent of {reason.workspace === "" ? "no workspace" : `the workspace ${reason.workspace}`} is active.</>
      );
    case "no capabilities":
      return <>No active agent of its workspace has what it requires: {reason.requires.join(", ")}.</>;
    case "leased":
      return (
        <>
          <LeaseLink {...reason.lease} /> is leased by <Agent {...reason.lease.holder} />.
        </>
      );
    case "busy":
      return (
        <>
          Every agent that may claim it works on another task: <Tasks of={reason.tasks} />.
        </>
      );
    case "queue":
      return (
        <>
          {plural(reason.tasks.length, "ready task")} of its workspace {reason.tasks.length === 1 ? "comes" : "come"}{" "}
          first: <Tasks of={reason.tasks} />.
        </>
      );
    default:
      return (
        <>
          Nothing blocks it. {plural(reason.agents.length, "agent")} may claim it and{" "}
          {reason.agents.length === 1 ? "has" : "have"} not asked for it:{" "}
          {reason.agents.slice(0, NAMED).map(({ id, name }, at) => (
            <>
              {at > 0 && ", "}
              <Agent id={id} name={name} />
            </>
          ))}
          {reason.agents.length > NAMED && ` and ${reason.agents.length - NAMED} more`}.
        </>
      );
  }
}

/** Shows links to some tasks, with their holders. */
function Tasks({ of }: { readonly of: readonly ListedTask[] }) {
  return (
    <>
      {of.slice(0, NAMED).map(({ id, title, holder }, at) => (
        <>
          {at > 0 && ", "}
          <a href={addressOf("tasks", id)}>{title}</a>
          {holder !== null && ` (${holder.name})`}
        </>
      ))}
      {of.length > NAMED && ` and ${of.length - NAMED} more`}
    </>
  );
}
