/** Finds out why a ready task is not claimed. Pure. */
import type { Instance, Lease, ListedTask } from "../../api/types.js";

/** The facts besides the task itself that decide whether it is claimed. */
export interface Surroundings {
  readonly agents: readonly Instance[];
  /** The leases that overlap the resources of the task. */
  readonly leases: readonly Lease[];
  /** The tasks of the same workspace that are ready or claimed. */
  readonly tasks: readonly ListedTask[];
  readonly nowMs: number;
}

/** A reason, with the tasks, leases or agents that it names. */
export type Reason =
  | { readonly why: "not before"; readonly at: string }
  | { readonly why: "assignee is away"; readonly assignee: string }
  | { readonly why: "no agents"; readonly workspace: string }
  | { readonly why: "no capabilities"; readonly requires: readonly string[] }
  | { readonly why: "leased"; readonly lease: Lease }
  /** The agents that could claim the task hold other tasks. */
  | { readonly why: "busy"; readonly tasks: readonly ListedTask[] }
  /** Other ready tasks will be claimed first. */
  | { readonly why: "queue"; readonly tasks: readonly ListedTask[] }
  /** These agents could claim the task, but have not asked for one. */
  | { readonly why: "free"; readonly agents: readonly Instance[] };

/** Returns whether task `a` is claimed before task `b` by an agent that may claim both. */
function isBefore(a: ListedTask, b: ListedTask): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return Date.parse(a.created_at) < Date.parse(b.created_at);
}

/** Returns the agents that may claim the task, or the reason why there are none. */
function claimers(task: ListedTask, agents: readonly Instance[]): readonly Instance[] | Reason {
  const { assignee, requires, workspace } = task;
  const here = agents.filter((agent) => agent.status === "active" && agent.workspace === workspace);
  if (assignee !== null) {
    const named = here.filter(({ id, name }) => id === assignee || name === assignee);
    return named.length === 0 ? { why: "assignee is away", assignee } : named;
  }
  if (here.length === 0) return { why: "no agents", workspace };
  const able = here.filter(({ capabilities }) => requires.every((one) => capabilities.includes(one)));
  return able.length === 0 ? { why: "no capabilities", requires } : able;
}

/** Returns the reasons why a ready task is not claimed; none for a task in another state. */
export function whyUnclaimed(task: ListedTask, { agents, leases, tasks, nowMs }: Surroundings): readonly Reason[] {
  if (task.state !== "ready") return [];
  const reasons: Reason[] = [];
  if (task.not_before !== null && Date.parse(task.not_before) > nowMs)
    reasons.push({ why: "not before", at: task.not_before });
  for (const lease of leases) if (lease.state === "held") reasons.push({ why: "leased", lease });
  const able = claimers(task, agents);
  if ("why" in able) return [...reasons, able];
  const claimed = tasks.filter(({ state, holder }) => state === "claimed" && able.some(({ id }) => id === holder?.id));
  const free = able.filter(({ id }) => !claimed.some(({ holder }) => holder?.id === id));
  const earlier = tasks.filter((other) => other.state === "ready" && other.id !== task.id && isBefore(other, task));
  if (claimed.length > 0 && free.length === 0) reasons.push({ why: "busy", tasks: claimed });
  if (earlier.length > 0) reasons.push({ why: "queue", tasks: earlier });
  if (reasons.length === 0) reasons.push({ why: "free", agents: free });
  return reasons;
}
