/**
 * The answer of `discover_instances`: the matching instances, bounded so that the answer fits a model's context. Pure
 * but for the directory that it reads.
 */
import { MCP_INSTANCES_MAX } from "../../schemas/limits/mcp.js";
import { encodeInstance, matchesFilter, type Directory, type InstanceFilter } from "../instances/directory.js";

/** Instances that can be talked to come first. */
const ORDER = ["active", "pending", "stale"] as const;

/**
 * Returns the JSON text `{"count","instances"}`, with `{"more","message"}` if more instances match than are listed.
 * With a filter, it takes time linear in all instances; without one, in the listed ones.
 */
export function discoverInstances(
  directory: Pick<Directory, "counts" | "newestFirst">,
  filter: InstanceFilter,
): string {
  const { counts } = directory;
  const matchesAll = Object.keys(filter).length === 0;
  const listed: string[] = [];
  let count = 0;
  for (const status of ORDER) {
    if (matchesAll) count += counts[status];
    for (const entry of directory.newestFirst(status)) {
      if (matchesAll && listed.length === MCP_INSTANCES_MAX) break;
      if (!matchesFilter(entry, filter)) continue;
      if (!matchesAll) count += 1;
      if (listed.length < MCP_INSTANCES_MAX) listed.push(encodeInstance(entry));
    }
  }
  const more = count - listed.length;
  const message = `${more} more: narrow them down by name, workspace, stack or capability`;
  const rest = more === 0 ? "" : `,"more":${more},"message":${JSON.stringify(message)}`;
  return `{"count":${count},"instances":[${listed.join(",")}]${rest}}`;
}
