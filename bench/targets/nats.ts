/**
 * Starts real NATS servers that write to disk before they acknowledge (`sync_interval: always`): one server, or three
 * with a copy each. The tests' helper starts the servers (test/support/nats-server.ts), and this file finds the server
 * that leads the stream. Runs in the bench process.
 */
import { execFileSync } from "node:child_process";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { must } from "../../src/base/assert.js";
import {
  findNatsServer,
  natsMissing,
  startNats,
  startNatsCluster,
  type NatsProcess,
} from "../../test/support/nats-server.js";
import type { Bench } from "../bench.js";
import type { LogServers } from "./log.js";

/** The oldest version that Koor accepts. Older versions have no batched publishes, which Koor needs. */
const VERSION_MIN = [2, 12] as const;
/** The name of the stream of a cluster that has no name. */
const STREAM = "KOOR_koor";

export interface NatsServers extends LogServers {
  readonly servers: readonly NatsProcess[];
}

/** Returns the reason why this machine cannot measure with NATS; false if it can. */
export function natsUnusable(): string | false {
  const program = findNatsServer();
  if (program === undefined) return natsMissing();
  const said = execFileSync(program, ["--version"], { encoding: "utf8" });
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(said) ?? [];
  const version = [Number(major), Number(minor)] as const;
  const isOld = version[0] < VERSION_MIN[0] || (version[0] === VERSION_MIN[0] && version[1] < VERSION_MIN[1]);
  return isOld ? `${program} is of version ${version.join(".")}, and ${VERSION_MIN.join(".")} is needed` : false;
}

export async function startNatsOfOne(bench: Bench): Promise<NatsServers> {
  const server = await startNats(bench);
  return { name: "NATS R1", url: server.url, servers: [server], pids: pidsOf([server]) };
}

export async function startNatsOfThree(bench: Bench): Promise<NatsServers> {
  const { servers, url } = await startNatsCluster(bench);
  return { name: "NATS R3", url, servers, pids: pidsOf(servers) };
}

function pidsOf(servers: readonly NatsProcess[]): readonly number[] {
  return servers.map(({ pid }) => must(pid, "a server that has started has an id"));
}

/** Finds which of the three servers leads the stream that holds the log. */
export async function findStreamLeader({ servers, url }: NatsServers): Promise<NatsProcess> {
  const connection = await connect({ servers: url.replace("nats://", "").split(",") });
  try {
    const { cluster } = await (await jetstreamManager(connection)).streams.info(STREAM);
    const at = servers.findIndex((_unused, index) => cluster?.leader === `server-${index}`);
    return must(servers[at], "one of the servers leads the stream");
  } finally {
    await connection.close();
  }
}
