/**
 * A node as its front knows it: how it is, how far it has come and who waits for that, whether it leads, and what is
 * told of all nodes. The writer's thread says so with every commit (notices.ts). Runs on the front.
 */
import type { ClusterSettings } from "../../schemas/config.js";
import { NODE_SILENCE_MS, NODE_START_MS, POSITION_WAIT_MS } from "../../schemas/limits.js";
import type { BackgroundTask } from "../background/task.js";
import type { Log } from "../base/log.js";
import { formatTime } from "../base/time.js";
import { positionLine, type LogPlace, type Positions } from "../front/positions.js";
import { jsonReply } from "../front/reply.js";
import type { Reply } from "../front/route.js";
import type { Exposition } from "../measure/exposition.js";
import type { AppliedPosition } from "../threads/applied-position.js";
import { nodeName } from "./node-name.js";
import { STARTING, type NodeStatus } from "./node-status.js";
import type { ClusterReader } from "./table.js";

/** This server cannot be a node of the cluster, as it is started: the start stops with this line and exit code 2. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
}

export interface ClusterFrontOptions {
  readonly cluster: ClusterSettings;
  readonly reader: ClusterReader;
  readonly visible: AppliedPosition;
  readonly log: Log;
  /** This node's time in ms, not before the log's. */
  readonly now: () => number;
  /** The log's time: this node's may be behind it. */
  readonly onTime: (now_ms: number) => void;
  /** This node leads from now on, or does not any more. */
  readonly onLeading: (isLeader: boolean) => void;
  /** The tables were replaced: what the front knows by heart is old. */
  readonly onInstalled: () => void;
}

interface Waiting {
  readonly position: number;
  readonly until: number;
  readonly done: (reached: boolean) => void;
}

/** Of own entries that come back: the first may have come already, the second have been on its way. */
const OWN_ENTRIES_BEHIND = 3;

const HALT_ADVICE =
  "it answers reads and refuses writes until it is started again; docs/cluster.md says under Halts, or Refusals at the " +
  "start, what to do for each reason";

export class ClusterFront implements BackgroundTask, Positions {
  readonly node: string;
  readonly #options: ClusterFrontOptions;
  #status: NodeStatus | null = null;
  #waiting: Waiting[] = [];
  /** Who is called when so many own entries have come back. */
  #confirming: { readonly appends: number; readonly done: () => void }[] = [];
  #reached = 0;
  /** The line of a position, where one was asked for. */
  #line: string | null = null;
  #line_of = 0n;
  #isLeader = false;
  /** Null where it was not asked for since the last notice. */
  #hasNoLivePeers: boolean | null = null;
  /** Since when the log has been ahead of this node, in ms of `performance.now`. */
  #behind_since: number | null = null;
  /** The server has started: it goes on whatever becomes of the node. */
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
    const { id } = visible;
    if (this.#line === null || this.#line_of !== id) {
      this.#line_of = id;
      // What is there can be read before the writer is.
      this.#line = positionLine(id === 0n ? (reader.place()?.id ?? 0) : Number(id));
    }
    return this.#line;
  }

  get reached(): number {
    return this.#reached;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Whether no other node was heard of for so long that nobody can have called it. */
  get hasNoLivePeers(): boolean {
    // Claims ask it one by one; it changes with what is committed alone, and each commit is told.
    this.#hasNoLivePeers ??= this.#findNoLivePeers(this.#known().now_ms);
    return this.#hasNoLivePeers;
  }

  /**
   * Resolves when the node can be written to and somebody leads, or has to wait for that for longer than a start is to
   * take: for the log, or for all that it has missed.
   * @throws ClusterError
   */
  async ready(): Promise<void> {
    const patience = setTimeout(() => this.#hear(""), NODE_START_MS);
    const refusal = await this.#heard;
    clearTimeout(patience);
    if (refusal !== "") throw new ClusterError(refusal);
    this.#started = true;
  }

  /** Takes what the writer says of the node. */
  accept(notice: NodeStatus): void {
    const before = this.#status;
    this.#status = notice;
    this.#hasNoLivePeers = null;
    if (notice.log_last <= notice.position) this.#behind_since = null;
    else this.#behind_since ??= performance.now();
    const { refusal, state, reason, leader } = notice;
    if (refusal !== "" || reason !== "" || (state === "ok" && leader !== "")) this.#hear(refusal);
    if (notice.now_ms > 0) this.#options.onTime(notice.now_ms);
    // What stops the start is one line, and not the log's; behind the start it is a halt like any other.
    if (notice.refusal === "" || this.#started) this.#report(before, notice);
    if (notice.installed > (before?.installed ?? 0)) this.#options.onInstalled();
    const { isLeader } = notice;
    if (isLeader !== this.#isLeader) {
      this.#isLeader = isLeader;
      this.#options.onLeading(isLeader);
    }
    // What else was committed is told behind this, and its events go out at the end of the turn: whoever waits is served
    // when all of it has come and gone.
    const { position } = notice;
    if (position > (before?.position ?? 0)) setImmediate(() => setImmediate(() => this.#reach(position)));
    if (this.#confirming.length > 0) this.#confirm(before?.appends ?? 0, notice.appends);
  }

  wait(position: number, done: (reached: boolean) => void): void {
    this.#waiting.push({ position, until: performance.now() + POSITION_WAIT_MS, done });
  }

  /**
   * Calls back when all that is in the log at the time of the call is carried out here, and its events have gone out.
   * An own entry that is appended later says so by coming back; a node appends one each NODE_HEARTBEAT_MS at least.
   */
  readBarrier(done: () => void): void {
    this.#confirming.push({ appends: this.#known().appends + OWN_ENTRIES_BEHIND, done });
  }

  seen(): LogPlace | null {
    // A commit can be read before the writer has told of it.
    const place = this.#options.reader.place();
    return place === null ? null : { log: place.generation, position: place.id };
  }

  tick(): void {
    if (this.#waiting.length === 0) return;
    const now = performance.now();
    const late = this.#waiting.filter(({ until }) => until <= now);
    this.#waiting = this.#waiting.filter(({ until }) => until > now);
    for (const { done } of late) done(false);
  }

  async close(): Promise<void> {
    for (const { done } of this.#waiting.splice(0)) done(false);
  }

  /** What `/health` says, and whether the node is well. */
  health(): { readonly well: boolean; readonly cluster: object } {
    const { state, leader, position, log_last } = this.#known();
    const reason = reasonShown(this.#known());
    return { well: state === "ok", cluster: { node: this.node, leader, position, log_last, state, reason } };
  }

  /** All nodes, as this one knows them. */
  describe(): Reply {
    const { cluster, reader, now } = this.#options;
    const { state, leader, term, position, log_last, warnings } = this.#known();
    const reason = reasonShown(this.#known());
    // The log's time stands still for who does not hear of it.
    const now_ms = now();
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
        state: own ? state : now_ms - node.heard_at < NODE_SILENCE_MS ? "ok" : "silent",
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
    const lag_s = this.#behind_since === null ? 0 : (performance.now() - this.#behind_since) / 1_000;
    out
      .value("koor_cluster_position", "gauge", "Id of the last entry of the log that was carried out.", position)
      .value("koor_cluster_log_last", "gauge", "The newest id that the log was heard to have.", log_last)
      .value("koor_cluster_lag_seconds", "gauge", "For how long this node has been behind the log.", lag_s)
      .value("koor_cluster_leader", "gauge", "1 where this node leads.", this.#isLeader ? 1 : 0)
      .value("koor_cluster_reopens_total", "counter", "How often the log had to be connected to anew.", reopens)
      .value("koor_cluster_fenced_total", "counter", "Own entries that were void because they came too late.", fenced)
      .value(
        "koor_cluster_foreign_entries_total",
        "counter",
        "Messages of the log that no node has appended, and all pass over.",
        foreign,
      )
      .value("koor_cluster_halted", "gauge", "1 where this node has halted.", state === "halted" ? 1 : 0)
      .metric("koor_cluster_append_seconds", "summary", "From the appending of an own entry until it was carried out.")
      .sample("koor_cluster_append_seconds_sum", append_s)
      .sample("koor_cluster_append_seconds_count", appends)
      .metric("koor_cluster_apply_seconds", "summary", "What it took to carry entries out, until they were on disk.")
      .sample("koor_cluster_apply_seconds_sum", apply_s)
      .sample("koor_cluster_apply_seconds_count", applied);
  }

  #findNoLivePeers(now_ms: number): boolean {
    return !this.#options.reader
      .nodes()
      .some(({ node, heard_at }) => node !== this.node && now_ms - heard_at < NODE_SILENCE_MS);
  }

  #known(): NodeStatus {
    return this.#status ?? STARTING;
  }

  #confirm(before: number, appends: number): void {
    // Another run of the writer's thread counts anew.
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
    if (this.#waiting.length === 0) return;
    const served = this.#waiting.filter(({ position }) => position <= reached);
    this.#waiting = this.#waiting.filter(({ position }) => position > reached);
    for (const { done } of served) done(true);
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

/** Why a node is not well; "" where it is. What takes a moment only has no words of its own in the writer's thread. */
function reasonShown({ state, reason, position, log_last }: NodeStatus): string {
  if (reason !== "" || state === "ok") return reason;
  if (state !== "catching_up") return "the cluster's log cannot be reached";
  return log_last > position ? "it has not carried out all of the log yet" : "it joins the cluster";
}
