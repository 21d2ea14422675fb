/** What a node is called. */
import { hostname } from "node:os";

/** Letters, digits, dot, hyphen and underscore; the host's name where nobody has said it. */
export function nodeName(node_id: string): string {
  return node_id === "" ? hostname().replaceAll(/[^A-Za-z0-9._-]/g, "-") : node_id;
}
