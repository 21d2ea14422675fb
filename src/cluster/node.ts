/**
 * Makes a writer thread a node of a cluster. It bootstraps the node (bootstrap.ts), runs the replica, and schedules
 * snapshots. Calls that concern only this node run locally, without the log. Runs in the writer thread.
 */
import { NODE_TICK_MS } from "../../schemas/limits/cluster.js";
import { APPLY_VERSION, VERSION } from "../../schemas/version.js";
import { must } from "../base/assert.js";
import { crypto } from "../base/crypto.js";
import { Failure } from "../base/result.js";
import { SharedCounter } from "../base/shared-counter.js";
import { openLogAt } from "./log/choose.js";
import { LogError, type OrderedLog } from "./log/ordered-log.js";
import type { MethodTable } from "../platform/rpc/method.js";
import type { ServerCall } from "../platform/rpc/server.js";
import { Batch } from "../platform/threads/batch.js";
import { Entries } from "../platform/threads/entries.js";
import { Transaction } from "../platform/threads/transaction.js";
import type { Executor, NodeGround } from "../platform/threads/writer-program.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { settingsOf } from "./agreed-settings.js";
import type { LogItem } from "./applier.js";
import { Bootstrap, BootstrapError } from "./bootstrap.js";
import { nodeName } from "./node-name.js";
import { NODE_STATUS, STARTING, type NodeStatus } from "./node-status.js";
import { Replica } from "./replica.js";
import { SnapshotScheduler } from "./snapshot-scheduler.js";
import { Snapshots } from "./snapshots.js";
import { PoisonGuard, attemptFile } from "./poison-guard.js";
import { ClusterReader, ClusterWriter, type NodeState } from "./table.js";

const SINGLE_ONLY = new Failure("FAILED_PRECONDITION", "a node of a cluster does not do this");

/**
 * Opens the node. Until the bootstrap is done, calls that need the log fail.
 * @param snapshotUrl the script of the snapshot thread
 */
export function openNode(ground: NodeGround, snapshotUrl: URL): Executor {
  const node = new ClusterNode(ground, snapshotUrl);
  node.start();
  return node;
}

class ClusterNode implements Executor {
  readonly #ground: NodeGround;
  readonly #snapshotUrl: URL;
  readonly #local: Batch;
  readonly #transaction: Transaction;
  readonly #table: ClusterWriter;
  #log: OrderedLog | null = null;
  #replica: Replica | null = null;
  #scheduler: SnapshotScheduler | null = null;
  #ticking: NodeJS.Timeout | null = null;
  #warnings: readonly string[] = [];
  #installed = 0;
  /** The reason why the start must wait; "" if nothing blocks it. */
  #waitingFor = "";
  #closed = false;

  constructor(ground: NodeGround, snapshotUrl: URL) {
    this.#ground = ground;
    this.#snapshotUrl = snapshotUrl;
    this.#transaction = new Transaction(ground.batch);
    this.#local = new Batch(ground.batch, this.#transaction);
    this.#table = new ClusterWriter(ground.batch.db);
  }

  start(): void {
    this.#run().catch((error: unknown) => {
      // No caller waits for this promise. So throw the error in a microtask, where it ends the thread, which is then
      // restarted.
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  execute(calls: readonly ServerCall<WriterMethod>[]): void {
    const { server } = this.#ground;
    const here = calls.filter(({ method }) => method.inCluster === "here");
    const never = calls.filter(({ method }) => method.inCluster === "never");
    const logged =
      here.length + never.length === 0 ? calls : calls.filter((call) => !here.includes(call) && !never.includes(call));
    for (const call of never) server.fail(call, SINGLE_ONLY);
    if (logged.length > 0) {
      if (this.#replica === null) {
        const why = this.#waitingFor === "" ? "the node is starting" : `the node is starting: ${this.#waitingFor}`;
        const failure = new Failure("UNAVAILABLE", `${why}: nothing was stored`);
        for (const call of logged) server.fail(call, failure);
        server.flush();
      } else this.#replica.execute(logged);
    }
    if (here.length > 0) this.#local.execute(here, server);
  }

  close(): void {
    this.#closed = true;
    if (this.#ticking !== null) clearInterval(this.#ticking);
    this.#scheduler?.close();
    void this.#replica?.close();
    void this.#log?.snapshots.close();
  }

  async #run(): Promise<void> {
    const { data, batch, table, server } = this.#ground;
    const cluster = must(data.cluster, "a node has the settings of one");
    const { db } = batch;
    let log: OrderedLog;
    try {
      log = await openLogAt({ url: cluster.cluster, name: cluster.cluster_name, credentials: cluster.cluster_creds });
    } catch (error) {
      // A LogError here means that the address is invalid. Any other error is a bug.
      if (!(error instanceof LogError)) throw error;
      this.#publish({ ...STARTING, state: "halted", reason: error.message, refusal: error.message });
      return;
    }
    this.#log = log;
    const reader = new ClusterReader(db);
    const visible = new SharedCounter(data.appliedPosition);
    const snapshots = new Snapshots({
      db,
      script: this.#snapshotUrl,
      data_dir: data.data_dir,
      cluster,
      installing: () => visible.set(must(reader.position(), "a snapshot is one of a node").id),
      installed: () => this.#onInstalled(),
    });
    const settings = settingsOf(data.settings, db);
    const identity = {
      node: nodeName(cluster.node_id),
      storeId: this.#storeId(),
      bootId: crypto().randomUUID(),
      version: VERSION,
      applyVersion: APPLY_VERSION,
      settings,
    };
    const install = async (least: number, generation: string): Promise<NodeState | null> =>
      (await snapshots.install(least, generation)) ? must(reader.state(), "a snapshot is one of a node") : null;
    let state: NodeState | null;
    try {
      state = await new Bootstrap({
        log,
        seeds: cluster.cluster_seed,
        cluster: cluster.cluster_name,
        db,
        state: () => reader.state(),
        keep: (founded) => db.transaction(() => this.#table.keep(founded, null))(),
        settings,
        nowMs: batch.clock.now(),
        elapsed: () => performance.now(),
        install,
        upload: () => snapshots.take(),
        waiting: (reason) => {
          this.#waitingFor = reason;
          this.#publish({ ...STARTING, reason });
        },
        closed: () => this.#closed,
      }).run();
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      this.#waitingFor = error.message;
      this.#publish({ ...STARTING, state: "halted", reason: error.message, refusal: error.message });
      return;
    }
    if (state === null) return;
    visible.set(state.position.id);
    const replica = new Replica({
      log,
      identity,
      state,
      table: this.#table,
      poisonGuard: new PoisonGuard({
        file: attemptFile(data.data_dir),
        generation: state.position.generation,
        version: VERSION,
      }),
      methods: table as unknown as MethodTable<WriterMethod>,
      server,
      entriesOf: (account) => new Entries<LogItem>(this.#transaction, server, account),
      committed: batch.committed,
      wall: () => Date.now(),
      elapsed: () => performance.now(),
      defer: (run) => void setImmediate(run),
      later: (run, ms) => void setTimeout(run, ms),
      publish: (status, nowMs, clockRate) => this.#publish({ ...STARTING, ...status, nowMs, clockRate }),
      beforeCommit: (id) => visible.set(id),
      warn: (warnings) => {
        this.#warnings = warnings;
      },
      install,
      superseded: (position, wasLeader) => this.#scheduler?.requireAt(position, wasLeader),
    });
    this.#replica = replica;
    this.#scheduler = new SnapshotScheduler({
      replica,
      snapshots,
      store: log.snapshots,
      elapsed: () => performance.now(),
    });
    this.#ticking = setInterval(() => {
      replica.tick();
      this.#scheduler?.tick();
    }, NODE_TICK_MS);
    replica.tick();
  }

  /** Called when a snapshot has replaced the tables, so that the models reload their caches. */
  #onInstalled(): void {
    this.#installed += 1;
    this.#transaction.refill();
  }

  /** Returns the id of this data directory, and generates it at the first call. */
  #storeId(): string {
    const known = this.#table.storeId();
    if (known !== undefined) return known;
    const made = crypto().randomUUID();
    this.#table.setStoreId(made);
    return made;
  }

  #publish(notice: NodeStatus): void {
    const installed = this.#installed;
    const warnings = [
      ...this.#warnings,
      ...(this.#replica?.logWarnings ?? []),
      ...(this.#replica?.clockWarnings ?? []),
    ];
    this.#ground.server.push(NODE_STATUS, { ...notice, installed, warnings });
  }
}
