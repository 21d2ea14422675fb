/** Says which events are about a workspace. Pure. */
import type { Event, Instance } from "../../api/types.js";

/** Returns the workspaces of some agents, and the chosen one, in order. */
export function workspacesOf(agents: readonly Instance[], chosen: string): readonly string[] {
  return [...new Set([...agents.map(({ workspace }) => workspace), chosen])].filter((one) => one !== "").sort();
}

/**
 * Returns the events that name a workspace, and of those that name none, the ones of which the publisher, the sender or
 * a recipient is one of its agents. "" stands for all workspaces.
 */
export function eventsOf(
  events: readonly Event[],
  workspace: string,
  agents: readonly Pick<Instance, "id" | "workspace">[],
): readonly Event[] {
  if (workspace === "") return events;
  const ids = new Set<unknown>(agents.filter((agent) => agent.workspace === workspace).map(({ id }) => id));
  return events.filter(({ source, data }) => {
    const { workspace: named, from, to } = Object(data) as Readonly<Record<string, unknown>>;
    if (named !== undefined) return named === workspace;
    return [source, from].some((id) => ids.has(id)) || (Array.isArray(to) && to.some((id) => ids.has(id)));
  });
}
