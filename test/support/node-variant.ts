/**
 * What makes the servers of a run nodes, alone or led by another one that the test does not see: then the test writes
 * on the one that is led, and half of what it reads comes from the other. For startKoor.
 */
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { CLUSTER_LOG, IS_FOLLOWER } from "./variant.js";
import { readElsewhere } from "./http-client.js";
import { clusterFlagsOf } from "./log-server.js";
import { makeDirectory, type Owner } from "./owner.js";

/** What makes a server a node. */
export interface NodeOf {
  readonly args: readonly string[];
  /** To be called when it listens. */
  started(port: number): void;
}

interface NodeOptions {
  readonly data_dir: string;
  readonly cwd?: string;
  readonly args?: readonly string[];
  readonly own_reads_only?: boolean;
}

interface Server {
  readonly port: number;
  readonly data_dir: string;
  logged(pattern: RegExp): Promise<unknown>;
}

type Start<Options> = (t: Owner, options: Options) => Promise<Server>;

/** By the data directory of who is led: started again it is the same node, and follows the same. */
const leaders = new Map<string, Promise<Server>>();

/** How a server with these options becomes a node. */
export async function asNode<Options extends NodeOptions>(
  t: Owner,
  options: Options,
  start: Start<Options>,
): Promise<NodeOf> {
  const { data_dir } = options;
  if (!IS_FOLLOWER)
    return { args: await clusterFlagsOf(CLUSTER_LOG, data_dir, "alone", true), started: () => undefined };
  let leading = leaders.get(data_dir);
  if (leading === undefined) {
    leading = startLeader(t, options, start);
    leaders.set(data_dir, leading);
  }
  const leader = await leading;
  return {
    args: await clusterFlagsOf(CLUSTER_LOG, leader.data_dir, "led", false),
    started: (port) => {
      if (options.own_reads_only !== true) readElsewhere(port, leader.port);
    },
  };
}

/** Starts a node from what is in the directory of the one that is to follow it. */
async function startLeader<Options extends NodeOptions>(
  t: Owner,
  options: Options,
  start: Start<Options>,
): Promise<Server> {
  const data_dir = makeDirectory(t);
  mkdirSync(options.data_dir, { recursive: true });
  for (const name of readdirSync(options.data_dir).filter((file) => file.startsWith("data.db")))
    renameSync(join(options.data_dir, name), join(data_dir, name));
  const flags = await clusterFlagsOf(CLUSTER_LOG, data_dir, "leads", true);
  // What the test says of addresses is said of the one that it sees.
  const elsewhere = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", data_dir];
  const leader = await start(t, {
    ...options,
    // What the directory of the other holds beside its data may be what it is configured with.
    cwd: options.cwd ?? options.data_dir,
    data_dir,
    args: [...flags, ...(options.args ?? []), ...elsewhere],
  });
  await leader.logged(/node leads/);
  return leader;
}
