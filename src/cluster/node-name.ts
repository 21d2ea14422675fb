/** Determines the name of a node. */
import { hostname } from "node:os";

/**
 * Returns the configured name. If no name is configured, returns the name of the host. Each character other than a
 * letter, digit, dot, hyphen or underscore becomes a hyphen.
 */
export function nodeName(nodeId: string): string {
  return nodeId === "" ? hostname().replaceAll(/[^A-Za-z0-9._-]/g, "-") : nodeId;
}
