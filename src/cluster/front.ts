/**
 * The front's view of its node: health, position and leadership. The writer publishes the node's status after every
 * commit (node-status.ts). This class also holds the requests that wait for a position. Runs on the front.
 */
import type { ClusterSettings } from "../../schemas/config.js";
import { NODE_SILENCE_MS, NODE_START_MS, POSITION_WAIT_MS } from "../../schemas/limits/cluster.js";
import type { BackgroundTask } from "../platform/background/task.js";
import type { Log } from "../base/log.js";
import type { SharedCounter } from "../base/shared-counter.js";
import { formatTime } from "../base/time.js";
import { WaitQueue, Waiting } from "../base/wait-queue.js";
import { positionHeaderLine, type LogPosition, type Positions } from "../platform/front/positions.js";
import { jsonReply } from "../platform/front/reply.js";
import type { Reply } from "../platform/front/route.js";
import type { Exposition } from "../platform/measure/exposition.js";
import { nodeName } from "./node-name.js";
import { STARTING, type NodeStatus } from "./node-status.js";
import type { ClusterReader } from "./table.js";

/**
 * Thrown if the settings or the data of this server do not allow it to join the cluster. At the start, the server
 * prints the one-line message, and exits with code 2.
 */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
}

export interface ClusterFrontOptions {
  readonly cluster: ClusterSettings;
  readonly reader: ClusterReader;
  /** An earlier read may have seen the effect of log entries up to this position; 0 before the first entry. */
  readonly visible: SharedCounter;
  readonly log: Log;
  /** Returns this node's time in ms. It is never earlier than the log's time. */
  readonly now: () => number;
  /** Called with the log's time. This node's clock may be behind it. */
  readonly onTime: (nowMs: number, rate: number) => void;
  /** Called when this node becomes the leader, and when it stops being the leader. */
  readonly onLeading: (isLeader: boolean) => void;
  /** Called when a snapshot has replaced the tables, so that the caches of the front are stale. */
  readonly onInstalled: () => void;
}

/** A request that waits until this node has applied a position. */
class PositionWait extends Waiting {
  constructor(
    readonly position: number,
    readonly done: (reached: boolean) => void,
  ) {
    super();
  }

  end(): void {
    this.done(false);
  }
}

/**
 * A read barrier waits for this many further entries of this node. The front's count of delivered entries is stale, so
 * one entry is not enough. The first may have been delivered already, and the second may have been in flight when the
 * barrier was requested. Only the third was certainly appended after the request.
 */
const OWN_ENTRIES_BEHIND = 3;

const HALT_ADVICE =
  "it answers reads and refuses writes until it is started again; docs/cluster.md says under Halts, or Refusals at the " +
  "start, what to do for each reason";

export class ClusterFront implements BackgroundTask, Positions {
  readonly node: string;
  readonly #options: ClusterFrontOptions;
  #status: NodeStatus | null = null;
  readonly #waiting = new WaitQueue<PositionWait>();
  /**
   * The pending read barriers. Each is reached when the log has delivered `appends` entries of this node. They need no
   * deadline and therefore no `WaitQueue`, because the node's heartbeats soon reach them.
   */
  #confirming: { readonly appends: number; readonly done: () => void }[] = [];
  #reached = 0;
  /** The cached header line of the position `#lineOf`. */
  #line: string | null = null;
  #lineOf = 0;
  #isLeader = false;
  /** The cached result of `hasNoLivePeers`. Each new status of the node clears it to null. */
  #hasNoLivePeers: boolean | null = null;
  /** When this node fell behind the log, as `performance.now()` in ms; null while it is not behind. */
  #behindSince: number | null = null;
  /** Whether the server has started. A server that has started keeps running, even if its node halts. */
  #started = false;
  readonly #heard: Promise<string>;
  #hear: (refusal: string) => void = () => undefined;

  constructor(options: ClusterFrontOptions) {
    this.#options = options;
    this.node = nodeName(options.cluster.node_id);
    this.#heard = new Promise((resolve) => {
      this.#hear = resolve;
    });
  }

  get current(): number {
    return this.#status?.position ?? 0;
  }

  get line(): string {
    const { visible, reader } = this.#options;
    const id = visible.value;
    if (this.#line === null || this.#lineOf !== id) {
      this.#lineOf = id;
      // Read the database, because the writer has not published a position yet.
      this.#line = positionHeaderLine(id === 0 ? (reader.position()?.id ?? 0) : id);
    }
    return this.#line;
  }

  get reached(): number {
    return this.#reached;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Whether all other nodes have been silent for NODE_SILENCE_MS. If so, none of them can have accepted calls. */
  get hasNoLivePeers(): boolean {
    // Cache the result, because every claim needs it. It changes only with a commit, and the status after each commit
    // clears the cache.
    this.#hasNoLivePeers ??= this.#findNoLivePeers(this.#known().nowMs);
    return this.#hasNoLivePeers;
  }

  /**
   * Resolves when this node accepts writes and there is a leader. Before that, the node may have to wait for the log,
   * or to apply the entries that it has missed. Resolves earlier if the node reports a reason why it is not ready, and
   * in any case after NODE_START_MS.
   * @throws ClusterError
   */
  async ready(): Promise<void> {
    const patience = setTimeout(() => this.#hear(""), NODE_START_MS);
    const refusal = await this.#heard;
    clearTimeout(patience);
    if (refusal !== "") throw new ClusterError(refusal);
    this.#started = true;
  }

  /** Handles a status that the writer has published. */
  accept(notice: NodeStatus): void {
    const before = this.#status;
    this.#status = notice;
    this.#hasNoLivePeers = null;
    if (notice.log_last <= notice.position) this.#behindSince = null;
    else this.#behindSince ??= performance.now();
    const { refusal, state, reason, leader } = notice;
    if (refusal !== "" || reason !== "" || (state === "ok" && leader !== "")) this.#hear(refusal);
    if (notice.nowMs > 0) this.#options.onTime(notice.nowMs, notice.clockRate);
    // Do not log an error that stops the start, because the caller prints it. After the start, it is logged like any
    // other halt.
    if (notice.refusal === "" || this.#started) this.#report(before, notice);
    if (notice.installed > (before?.installed ?? 0)) this.#options.onInstalled();
    const { isLeader } = notice;
    if (isLeader !== this.#isLeader) {
      this.#isLeader = isLeader;
      this.#options.onLeading(isLeader);
    }
    // Serve the waiters for the position two ticks later. By then the front has handled the writer's other messages
    // about the same commit, and has sent the commit's events.
    const { position } = notice;
    if (position > (before?.position ?? 0)) setImmediate(() => setImmediate(() => this.#reach(position)));
    if (this.#confirming.length > 0) this.#confirm(before?.appends ?? 0, notice.appends);
  }

  wait(position: number, done: (reached: boolean) => void): void {
    if (!this.#waiting.add(new PositionWait(position, done), { waitMs: POSITION_WAIT_MS })) done(false);
  }

  /**
   * Runs a read barrier. It calls `done` when this node has applied every entry that is in the log now, and has sent
   * the events of these entries.
   *
   * The barrier waits for an entry that this node appends after this call. The log delivers entries in order. So when
   * it delivers that entry, it has delivered every entry that was in the log at the call. The wait is short, because a
   * node appends at least one entry every NODE_HEARTBEAT_MS.
   */
  readBarrier(done: () => void): void {
    this.#confirming.push({ appends: this.#known().appends + OWN_ENTRIES_BEHIND, done });
  }

  seen(): LogPosition | null {
    // Read the database, where a commit is visible before the writer publishes its position.
    const place = this.#options.reader.position();
    return place === null ? null : { log: place.generation, position: place.id };
  }

  async close(): Promise<void> {
    this.#waiting.close();
  }

  /** Returns the cluster part of `/health`, and whether the node is healthy. */
  health(): { readonly well: boolean; readonly cluster: object } {
    const { state, leader, position, log_last } = this.#known();
    const reason = reasonShown(this.#known());
    return { well: state === "ok", cluster: { node: this.node, leader, position, log_last, state, reason } };
  }

  /** Returns all nodes, as this node knows them. */
  describe(): Reply {
    const { cluster, reader, now } = this.#options;
    const { state, leader, term, position, log_last, warnings } = this.#known();
    const reason = reasonShown(this.#known());
    // Use this node's own clock, because the log's time stands still at a node that receives no entries.
    const nowMs = now();
    const nodes = reader.nodes().map((node) => {
      const own = node.node === this.node;
      const reached = own ? position : node.position;
      return {
        node: node.node,
        leader: node.node === leader,
        position: reached,
        lag: Math.max(0, log_last - reached),
        version: node.version,
        last_heard: formatTime(node.heard_at),
        state: own ? state : nowMs - node.heard_at < NODE_SILENCE_MS ? "ok" : "silent",
      };
    });
    const { cluster_name } = cluster;
    const { node } = this;
    return jsonReply(
      JSON.stringify({ cluster: cluster_name, node, leader, term, position, log_last, state, reason, warnings, nodes }),
    );
  }

  expose(out: Exposition): void {
    const { position, log_last, state, reopens, fenced, foreign, appends, append_s, applied, apply_s } = this.#known();
    const lagS = this.#behindSince === null ? 0 : (performance.now() - this.#behindSince) / 1_000;
    out
      .value("koor_cluster_position", "gauge", "Id of the last entry of the log that was applied.", position)
      .value("koor_cluster_log_last", "gauge", "The newest id that the log is known to have.", log_last)
      .value("koor_cluster_lag_seconds", "gauge", "Seconds for which this node has been behind the log.", lagS)
      .value("koor_cluster_leader", "gauge", "1 if this node is the leader.", this.#isLeader ? 1 : 0)
      .value(
        "koor_cluster_reopens_total",
        "counter",
        "How often the connection to the log was lost or failed.",
        reopens,
      )
      .value(
        "koor_cluster_fenced_total",
        "counter",
        "Own entries that were rejected because they came too late.",
        fenced,
      )
      .value(
        "koor_cluster_foreign_entries_total",
        "counter",
        "Messages of the log that no node has appended, or that are damaged. Every node skips them.",
        foreign,
      )
      .value("koor_cluster_halted", "gauge", "1 if this node has halted.", state === "halted" ? 1 : 0)
      .metric("koor_cluster_append_seconds", "summary", "Time from the append of an own entry until it was applied.")
      .sample("koor_cluster_append_seconds_sum", append_s)
      .sample("koor_cluster_append_seconds_count", appends)
      .metric("koor_cluster_apply_seconds", "summary", "Time to apply entries, until they were on disk.")
      .sample("koor_cluster_apply_seconds_sum", apply_s)
      .sample("koor_cluster_apply_seconds_count", applied);
  }

  #findNoLivePeers(nowMs: number): boolean {
    return !this.#options.reader
      .nodes()
      .some(({ node, heard_at }) => node !== this.node && nowMs - heard_at < NODE_SILENCE_MS);
  }

  #known(): NodeStatus {
    return this.#status ?? STARTING;
  }

  #confirm(before: number, appends: number): void {
    // A lower count than before means that the writer thread was restarted. Its count began at 0 again.
    if (appends < before)
      this.#confirming = this.#confirming.map(({ done }) => ({ appends: appends + OWN_ENTRIES_BEHIND, done }));
    const confirmed = this.#confirming.filter((one) => one.appends <= appends);
    if (confirmed.length === 0) return;
    this.#confirming = this.#confirming.filter((one) => one.appends > appends);
    setImmediate(() =>
      setImmediate(() => {
        for (const { done } of confirmed) done();
      }),
    );
  }

  #reach(reached: number): void {
    this.#reached = reached;
    for (const wait of this.#waiting) {
      if (wait.position > reached) continue;
      this.#waiting.remove(wait);
      wait.done(true);
    }
  }

  #report(before: NodeStatus | null, now: NodeStatus): void {
    const { log } = this.#options;
    const { state, reason, leader, term, position } = now;
    if (before?.state !== state || before.reason !== reason) {
      const well = reason === "" && (state === "ok" || before === null);
      const level = state === "halted" ? "error" : well ? "info" : "warn";
      log[level]("node", {
        node: this.node,
        state,
        reason,
        position,
        ...(state === "halted" ? { advice: HALT_ADVICE } : {}),
      });
    }
    if (leader !== "" && before?.leader !== leader) log.info("node leads", { node: leader, term });
    for (const warning of now.warnings)
      if (before?.warnings.includes(warning) !== true) log.warn("cluster", { warning });
  }
}

/**
 * Returns the reason that is shown for a node that is not healthy; "" if the node is healthy. In short states the
 * writer gives no reason, so this function supplies one.
 */
function reasonShown({ state, reason, position, log_last }: NodeStatus): string {
  if (reason !== "" || state === "ok") return reason;
  if (state !== "catching_up") return "the cluster's log cannot be reached";
  return log_last > position ? "it has not applied all of the log yet" : "it joins the cluster";
}
