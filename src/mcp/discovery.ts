/**
 * The answer of `discover_instances`: the instances that match, bounded so that it fits a model's context. Pure but for
 * the directory that it reads.
 */
import { MCP_INSTANCES_MAX } from "../../schemas/limits.js";
import { encodeInstance, matchesFilter, type Directory, type InstanceFilter } from "../instances/directory.js";

/** Who can be talked to comes first. */
const ORDER = ["active", "pending", "stale"] as const;

/** JSON text: `{"count","instances"}`, and where there are more than are listed `{"more","message"}`. */
export function discoverInstances(directory: Pick<Directory, "list">, filter: InstanceFilter): string {
  const listed: string[] = [];
  let count = 0;
  for (const status of ORDER) {
    for (const entry of directory.list(status)) {
      if (!matchesFilter(entry, filter)) continue;
      count += 1;
      if (listed.length < MCP_INSTANCES_MAX) listed.push(encodeInstance(entry));
    }
  }
  const more = count - listed.length;
  const message = `${more} more: narrow them down by name, workspace, stack or capability`;
  const rest = more === 0 ? "" : `,"more":${more},"message":${JSON.stringify(message)}`;
  return `{"count":${count},"instances":[${listed.join(",")}]${rest}}`;
}
