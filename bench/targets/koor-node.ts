/**
 * Starts the built server as a node of a cluster, and asks it how it is. Everything else is as for a server alone
 * (koor.ts). Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { startKoor, type Koor } from "./koor.js";
import type { LogServers } from "./log.js";
import { fetchOnce } from "./server.js";

export interface KoorNode extends Koor {
  readonly node: string;
}

export interface NodeOptions {
  /** What it has stored already; a new directory otherwise. */
  readonly data_dir?: string;
  /** It begins the cluster. */
  readonly seeds?: true;
}

/** Resolves when the node serves, and is as far as the log. */
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

/** What the node says of itself; undefined where it does not answer. */
export async function askHealth(node: Pick<KoorNode, "port">): Promise<NodeHealth | undefined> {
  const answer = await fetchOnce(node.port, "/health");
  if (answer === undefined) return undefined;
  return (JSON.parse(answer.body) as { readonly cluster?: NodeHealth }).cluster;
}
