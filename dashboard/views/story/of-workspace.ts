/** Decides which events belong to a workspace. Pure. */
import type { Event, Instance } from "../../api/types.js";

/** Returns the workspaces of some agents and the chosen workspace, sorted. */
export function workspacesOf(agents: readonly Instance[], chosen: string): readonly string[] {
  return [...new Set([...agents.map(({ workspace }) => workspace), chosen])].filter((one) => one !== "").sort();
}

/**
 * Returns the events that belong to a workspace. An event belongs to the workspace that it names. If it names none, it
 * belongs to the workspaces of its publisher, sender and recipients. "" stands for all workspaces.
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
