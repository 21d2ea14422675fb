/**
 * Makes the servers of a run nodes of a cluster. They are single nodes, or followers of a leader that the test does not
 * see. In the second case the test writes on the follower, and half of its reads go to the leader. startKoor uses this
 * module.
 */
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { CLUSTER_LOG, IS_FOLLOWER } from "./variant.js";
import { readElsewhere } from "./http-client.js";
import { clusterFlagsOf } from "./log-server.js";
import { makeDirectory, type Owner } from "./owner.js";

/** The settings that make a server a node. */
export interface NodeOf {
  readonly args: readonly string[];
  /** Must be called when the server listens. */
  started(port: number): void;
}

interface NodeOptions {
  readonly data_dir: string;
  readonly cwd?: string;
  readonly args?: readonly string[];
  readonly ownReadsOnly?: boolean;
}

interface Server {
  readonly port: number;
  readonly data_dir: string;
  logged(pattern: RegExp): Promise<unknown>;
}

type Start<Options> = (t: Owner, options: Options) => Promise<Server>;

/**
 * The leaders, by the data directory of their follower. A restarted follower is the same node, and has the same leader.
 */
const leaders = new Map<string, Promise<Server>>();

/** Makes a server with these options a node. */
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
      if (options.ownReadsOnly !== true) readElsewhere(port, leader.port);
    },
  };
}

/** Starts the leader with the data that is in the directory of its follower. */
async function startLeader<Options extends NodeOptions>(
  t: Owner,
  options: Options,
  start: Start<Options>,
): Promise<Server> {
  const dataDir = makeDirectory(t);
  mkdirSync(options.data_dir, { recursive: true });
  for (const name of readdirSync(options.data_dir).filter((file) => file.startsWith("data.db")))
    renameSync(join(options.data_dir, name), join(dataDir, name));
  const flags = await clusterFlagsOf(CLUSTER_LOG, dataDir, "leads", true);
  // The options of the test about addresses apply only to the server that the test sees.
  const elsewhere = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", dataDir];
  const leader = await start(t, {
    ...options,
    // The follower's directory may have configuration files besides its data.
    cwd: options.cwd ?? options.data_dir,
    data_dir: dataDir,
    args: [...flags, ...(options.args ?? []), ...elsewhere],
  });
  await leader.logged(/node leads/);
  return leader;
}
