/**
 * A cluster for tests: real Koor servers with a real log (one NATS server, three NATS servers, or PostgreSQL). Each
 * connection that a test can cut has a TCP proxy: from each node to each server of the log, and between these servers.
 * Everything ends with the test, and its data directories are deleted.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { must } from "../../src/base/assert.js";
import { connectNats } from "../../src/cluster/log/nats-connection.js";
import { streamName } from "../../src/cluster/log/nats-stream.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";
import type { Db } from "../../src/platform/store/open.js";
import { send } from "./http-client.js";
import { startNats, startNatsCluster, type NatsProcess } from "./nats-server.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "./server-process.js";
import { TcpProxy } from "./tcp-proxy.js";

export const CLUSTER_NAME = "chaos";
const NAMES = ["a", "b", "c", "d", "e"];
const PATIENCE_MS = 90_000;
const LOOK_MS = 50;
/** The servers keep the whole history, so that every acknowledged change can be found. */
const ARGS = ["--state-history", "0", "--event-history", "0", "--log-level", "info"];

/** The health of a node, from `/health`. */
export interface NodeHealth {
  readonly node: string;
  readonly leader: string;
  readonly position: number;
  readonly log_last: number;
  readonly state: string;
  readonly reason: string;
}

/** Waits until a condition holds. The error of a timeout contains the last value. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const endsAt = performance.now() + patienceMs;
  let seen = "";
  for (;;) {
    try {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
    } catch (error) {
      seen = String(error);
    }
    if (performance.now() > endsAt) throw new Error(`in ${patienceMs} ms it did not come to this: ${what}. ${seen}`);
    await pause(LOOK_MS);
  }
}

/** Waits between two polls. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The state of the log's stream and of its servers. A server is identified by its number. */
export interface LogState {
  /** The number of the leader; -1 if there is none. */
  readonly leader: number;
  /** The number of followers that have caught up with the leader. */
  readonly following: number;
  readonly lagging: readonly number[];
  readonly servers: number;
}

export interface NodeOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program that runs instead of the built server. */
  readonly program?: string;
}

export class TestNode {
  #koor: Koor | null = null;
  #logs = "";

  constructor(
    readonly t: Owner,
    readonly name: string,
    /** The proxies to the servers of the log, in the servers' order. */
    readonly ways: readonly TcpProxy[],
    /** The URL of the log through this node's proxies. */
    readonly url: string,
    readonly dataDir: string,
  ) {}

  /** Starts the node, or restarts it with its stored data. */
  async start({ args = [], env = {}, program }: NodeOptions = {}): Promise<void> {
    const cluster = ["--cluster", this.url, "--cluster-name", CLUSTER_NAME, "--node-id", this.name];
    this.#koor = await startKoor(this.t, {
      data_dir: this.dataDir,
      args: [...ARGS, ...cluster, ...args],
      env,
      ...(program === undefined ? {} : { program }),
    });
  }

  get koor(): Koor {
    return must(this.#koor, "it was started");
  }

  /** The port of the node; null while it does not run. */
  get port(): number | null {
    return this.#koor?.port ?? null;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const koor = this.koor;
    this.#koor = null;
    const code = await koor.stop(signal);
    this.#logs += koor.log();
    return code;
  }

  /** Freezes the process. Its connections stay open. */
  hold(): void {
    this.koor.process.kill("SIGSTOP");
  }

  release(): void {
    this.koor.process.kill("SIGCONT");
  }

  cut(): void {
    for (const way of this.ways) way.cut();
  }

  stall(): void {
    for (const way of this.ways) way.stall();
  }

  resume(): void {
    for (const way of this.ways) way.resume();
  }

  /** Returns the log output of all runs of the node. */
  log(): string {
    return this.#logs + (this.#koor?.log() ?? "");
  }

  async health(): Promise<{ readonly status: number; readonly cluster: NodeHealth }> {
    const answer = await send(this.koor.port, "GET", "/health");
    return { status: answer.status, cluster: answer.json<{ readonly cluster: NodeHealth }>().cluster };
  }

  async untilState(state: string, patienceMs = PATIENCE_MS): Promise<NodeHealth> {
    let seen = "nothing";
    try {
      return await until(
        `node ${this.name} is ${state}`,
        async () => {
          const { cluster } = await this.health();
          seen = JSON.stringify(cluster);
          return cluster.state === state && cluster;
        },
        patienceMs,
      );
    } catch (error) {
      throw new Error(`${String(error)} last: ${seen}, log: ${this.log().slice(-2_000)}`, { cause: error });
    }
  }

  /** Reads its database. */
  read<T>(look: (db: Db) => T): T {
    const db = openDatabase(join(this.dataDir, "data.db"), { readonly: true });
    try {
      return look(db);
    } finally {
      db.close();
    }
  }
}

export interface ClusterOptions {
  readonly log: "nats" | "three-nats" | "postgres";
  readonly nodes?: number;
  /** The options of each node. */
  readonly nodeOptions?: NodeOptions;
}

export class TestCluster {
  readonly nodes: TestNode[] = [];
  /** The proxies between the servers of the log. The key has `from` and `to`. */
  readonly routes = new Map<string, TcpProxy>();

  private constructor(
    readonly t: Owner,
    readonly nats: readonly NatsProcess[],
    readonly postgres: PostgresServer | null,
  ) {}

  /** Starts a cluster, and waits until all nodes are healthy. */
  static async start(t: Owner, { log, nodes = 3, nodeOptions = {} }: ClusterOptions): Promise<TestCluster> {
    const cluster = await TestCluster.#startLog(t, log);
    for (let at = 0; at < nodes; at++) {
      const node = await cluster.addNode();
      const args = [...(nodeOptions.args ?? []), ...(at === 0 ? ["--cluster-seed"] : [])];
      await node.start({ ...nodeOptions, args });
      await node.untilState("ok");
    }
    await until("somebody leads", async () => (await must(cluster.nodes[0], "a").health()).cluster.leader !== "");
    return cluster;
  }

  static async #startLog(t: Owner, log: ClusterOptions["log"]): Promise<TestCluster> {
    if (log === "postgres") return new TestCluster(t, [], await startPostgres(t));
    if (log === "nats") return new TestCluster(t, [await startNats(t)], null);
    const routes = new Map<string, TcpProxy>();
    const { servers } = await startNatsCluster(t, async (from, to, port) => {
      const route = await TcpProxy.start(t, () => port);
      routes.set(`${from}-${to}`, route);
      return route.port;
    });
    const cluster = new TestCluster(t, servers, null);
    for (const [name, route] of routes) cluster.routes.set(name, route);
    return cluster;
  }

  /** Adds a node without starting it. Each node has another one of the log's servers as its first. */
  async addNode(
    name = must(NAMES[this.nodes.length], "not as many nodes"),
    dataDir = makeDirectory(this.t),
  ): Promise<TestNode> {
    const { t, nats, postgres } = this;
    const ports = postgres === null ? nats.map((server) => () => server.port) : [() => postgres.port];
    const ways = await Promise.all(ports.map((port) => TcpProxy.start(t, port)));
    const hosts = ways.map(({ port }) => `127.0.0.1:${port}`);
    const first = this.nodes.length % hosts.length;
    const turned = [...hosts.slice(first), ...hosts.slice(0, first)];
    const url = postgres === null ? `nats://${turned.join(",")}` : `postgres://postgres@${turned.join(",")}/postgres`;
    const node = new TestNode(t, name, ways, url, dataDir);
    this.nodes.push(node);
    return node;
  }

  /** The nodes that run now. */
  get running(): readonly TestNode[] {
    return this.nodes.filter(({ port }) => port !== null);
  }

  /** The URL of the log without proxies. */
  get logUrl(): string {
    return this.postgres?.url ?? `nats://${this.nats.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /**
   * Returns the number of the NATS server that leads the stream of the log. Waits until the other two servers have
   * caught up.
   */
  async streamLeader(): Promise<number> {
    const isWhole = ({ leader, following, servers }: LogState): boolean => leader >= 0 && following === servers - 1;
    const { leader } = await until("the log's stream has a leader whom the others follow", async () => {
      const state = await this.logState();
      if (!isWhole(state)) throw new Error(JSON.stringify(state));
      return state;
    });
    return leader;
  }

  /** Returns the state of the stream, from its leader or from any server that answers. Rejects if none answers. */
  async logState(): Promise<LogState> {
    const { connection, manager } = await connectNats({ url: this.logUrl, name: CLUSTER_NAME, credentials: "" });
    try {
      const { leader = "", replicas = [] } = (await manager.streams.info(streamName(CLUSTER_NAME))).cluster ?? {};
      return {
        leader: leader === "" ? -1 : Number(leader.slice("server-".length)),
        following: replicas.filter(({ current, offline }) => current && !offline).length,
        lagging: replicas.filter(({ current }) => !current).map(({ name }) => Number(name.slice("server-".length))),
        servers: this.nats.length,
      };
    } finally {
      await connection.close();
    }
  }

  /** Returns the proxies between one server of the log and the others. */
  routesOf(at: number): readonly TcpProxy[] {
    return [...this.routes].filter(([name]) => name.split("-").includes(String(at))).map(([, route]) => route);
  }

  async untilAllAre(state: string): Promise<void> {
    await Promise.all(this.running.map((node) => node.untilState(state)));
  }

  /**
   * Returns a digest of each node's database, all at the same position. It covers all rows of all tables, except the
   * table in which nodes may differ. The nodes keep running. Each database is read in one transaction, and the reads
   * are repeated until all are at the same position. This works because nodes that only send heartbeats are at the same
   * position most of the time.
   */
  digests(): Promise<ReadonlyMap<string, string>> {
    const { running } = this;
    return until("the nodes are at one position", () => {
      const handles = running.map(({ dataDir }) => openDatabase(join(dataDir, "data.db"), { readonly: true }));
      try {
        const positions = handles.map((db) => {
          db.exec("BEGIN");
          return db.prepare<[], number>("SELECT position FROM log_position").pluck().get();
        });
        if (new Set(positions).size > 1) return null;
        return new Map(handles.map((db, at) => [must(running[at], "a node").name, digestOf(db)]));
      } finally {
        for (const db of handles) db.close();
      }
    });
  }
}

/** Returns the tables whose rows differ between two databases. A digest does not show them. */
export function differences(one: TestNode, other: TestNode): string[] {
  return one.read((db) =>
    other.read((dbOther) =>
      tablesOf(db).filter((table) => JSON.stringify(rowsOf(db, table)) !== JSON.stringify(rowsOf(dbOther, table))),
    ),
  );
}

function tablesOf(db: Db): string[] {
  return db
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'data_directory' ORDER BY name",
    )
    .pluck()
    .all();
}

function rowsOf(db: Db, table: string): string[] {
  return db
    .prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`)
    .all()
    .map((row) => JSON.stringify(Object.values(row).map(plain)))
    .sort();
}

/** Returns a value in a form that fits into JSON. Bytes are replaced by their hash, because they may be large. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? createHash("sha256").update(value).digest("hex") : value;
}

function digestOf(db: Db): string {
  const hash = createHash("sha256");
  for (const table of tablesOf(db)) {
    hash.update(`\n${table}`);
    for (const row of rowsOf(db, table)) hash.update(`\n${row}`);
  }
  return hash.digest("hex");
}
