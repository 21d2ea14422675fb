/**
 * Starts the built server as a node of a cluster, and reads the node's status. koor.ts has the common part of a node
 * and a single server. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { startKoor, type Koor } from "./koor.js";
import type { LogServers } from "./log.js";
import { fetchOnce } from "./server.js";

export interface KoorNode extends Koor {
  readonly node: string;
}

export interface NodeOptions {
  /** A directory with data. Absent: the node gets a new directory. */
  readonly data_dir?: string;
  /** Whether the node may start a new cluster. */
  readonly seeds?: true;
}

/** Starts a node. Resolves when the node serves and has applied the log to its end. */
export async function startNode(
  bench: Bench,
  log: LogServers,
  node: string,
  { seeds, ...options }: NodeOptions = {},
): Promise<KoorNode> {
  const args = ["--cluster", log.url, "--node-id", node, ...(seeds === true ? ["--cluster-seed"] : [])];
  const koor = await startKoor(bench, { ...options, args });
  return { ...koor, name: `Koor ${node}`, node };
}

export interface NodeHealth {
  readonly leader: string;
  readonly position: number;
  readonly log_last: number;
  readonly state: string;
}

/** Returns the node's status; undefined if the node does not answer. */
export async function askHealth(node: Pick<KoorNode, "port">): Promise<NodeHealth | undefined> {
  const answer = await fetchOnce(node.port, "/health");
  if (answer === undefined) return undefined;
  return (JSON.parse(answer.body) as { readonly cluster?: NodeHealth }).cluster;
}
