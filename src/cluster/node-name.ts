/** Determines the name of a node. */
import { hostname } from "node:os";

/**
 * Returns the configured name. Without one, returns the host's name, reduced to letters, digits, dot, hyphen and
 * underscore.
 */
export function nodeName(nodeId: string): string {
  return nodeId === "" ? hostname().replaceAll(/[^A-Za-z0-9._-]/g, "-") : nodeId;
}
