/**
 * Builds the answer of `discover_instances`: the matching instances, up to a number that fits into a model's context.
 * Pure, except that it reads the directory.
 */
import { MCP_INSTANCES_MAX } from "../../../schemas/limits/mcp.js";
import type { Directory } from "../instances/directory.js";
import { encodeInstance, matchesFilter, type InstanceFilter } from "../instances/entry.js";

/** The order of the statuses in the list. Active instances come first, because they can receive messages now. */
const ORDER = ["active", "pending", "stale"] as const;

/**
 * Returns the JSON text `{"count","instances"}`. If more instances match than are listed, it also has
 * `{"more","message"}`. With a filter, it examines all instances. Without a filter, it examines only the listed ones.
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
