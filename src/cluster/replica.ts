/**
 * Replicates the local database (the cluster's state machine) by the usual loop of log replication:
 *
 *     propose   local calls are batched into entries (proposals.ts)
 *     append    entries go into the log, directly or through the leader (entry-sender.ts)
 *     deliver   the log delivers the entries of all nodes in one order (log-reader.ts)
 *     apply     every node applies them to its database (applier.ts)
 *     answer    the node that proposed an entry answers the callers after its own commit
 *
 * `step` is one pass of the loop. It runs after a delivery, and when the applier retries a failed commit. When calls
 * arrive or an append fails, only `propose` runs again.
 *
 * When the session with the log is lost (connection.ts), the outcome of the entry in flight is unknown. The node then
 * joins again (join-handshake.ts). If the log delivers the join request before that entry, the entry is never applied.
 * The node halts if the log is a different one, or if its own state has diverged. A halted node keeps its files and
 * reports the reason. Runs in the writer thread.
 */
import { ENTRY_RETRY_MS, ENTRY_RETURN_MS_MAX } from "../../schemas/limits/cluster.js";
import { LOG_CHECK_MS } from "../../schemas/limits/ordered-log.js";
import { must } from "../base/assert.js";
import type { Failure } from "../base/result.js";
import type { SharedCounter } from "../base/shared-counter.js";
import { LogError, type Appended, type LogSession } from "./log/ordered-log.js";
import type { MethodTable } from "../platform/rpc/method.js";
import type { RpcServer, ServerCall } from "../platform/rpc/server.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { Applier, NOT_LEADING, type AppliedEntry, type ApplierOptions, type Stop } from "./applier.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { DivergenceDetector } from "./divergence-detector.js";
import { encodeEntry, type EntryContent, type JoinRequest } from "./entry.js";
import { EntrySender } from "./entry-sender.js";
import { FULL, FULL_REASON, Health, TOO_LARGE } from "./health.js";
import { JoinHandshake, type Identity } from "./join-handshake.js";
import { Leadership } from "./leadership.js";
import { LogClock } from "./log-clock.js";
import { LogReader } from "./log-reader.js";
import type { RejectReason } from "./membership.js";
import type { ReplicaStatus } from "./node-status.js";
import type { PoisonGuard } from "./poison-guard.js";
import { Proposals, type Proposal } from "./proposals.js";
import { StatusPublisher } from "./status-publisher.js";
import type { NodeState } from "./table.js";

type Calls = readonly ServerCall<WriterMethod>[];

export interface ReplicaOptions
  extends Pick<ApplierOptions, "state" | "table" | "entriesOf" | "beforeCommit">,
    Pick<ConnectionOptions, "log" | "install"> {
  readonly identity: Identity;
  readonly poisonGuard: PoisonGuard;
  readonly methods: MethodTable<WriterMethod>;
  readonly server: RpcServer<WriterMethod>;
  /**
   * Tells the front which calls may have been applied: the call with this id, and all earlier calls. Some of these
   * calls may not be answered yet.
   */
  readonly committed: SharedCounter;
  /** The maximum number of bytes of the log that wait in memory to be applied. Only tests set it. */
  readonly pendingBytesMax?: number;
  /** This machine's clock, in ms since the epoch. */
  readonly wall: () => number;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  /** Runs a function later, after the event loop has handled the data that has already arrived. */
  readonly defer: (run: () => void) => void;
  /** Runs a function after a delay in ms. */
  readonly later: (run: () => void, ms: number) => void;
  /**
   * Publishes the status of the node. Called after each commit, and after each change of the status. If only counters
   * have changed, it is called at the next tick.
   * @param nowMs the log's time at the newest entry, in ms
   * @param clockRate the rate at which the log's time advances, relative to real time
   */
  readonly publish: (status: ReplicaStatus, nowMs: number, clockRate: number) => void;
  /**
   * Called when an entry has moved the cluster to an apply version that is newer than this program's. `position` is the
   * position of that entry. Nodes of the newer version cannot apply the entries before it, so they need a snapshot at
   * this position.
   */
  readonly superseded: (position: number, wasLeader: boolean) => void;
  /** Called with warnings for the operator about the set-up of the log. */
  readonly warn: (warnings: readonly string[]) => void;
}

const READING_PAUSED = "reading of the log pauses until there is room for its entries";
const UNKNOWN_OUTCOME = "the log did not confirm an entry";
const NOT_RETURNED = "an entry that this node has appended was not delivered";
const DAMAGED_IN_FLIGHT = "is damaged: it is read again, because it may have been damaged in flight";
const FOREIGN_WARNING =
  "the log has messages that no node has appended: every node skips them; find out which other program writes there";
const DAMAGED_WARNING =
  "entries of the log are damaged: every node that reads them skips them; check the disks of the log's servers";

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #applier: Applier;
  readonly #divergence: DivergenceDetector;
  readonly #proposals: Proposals;
  readonly #sender: EntrySender;
  readonly #reader: LogReader;
  readonly #connection: Connection;
  readonly #join: JoinHandshake;
  readonly #leadership: Leadership;
  readonly #health: Health;
  readonly #clock: LogClock;
  readonly #publisher: StatusPublisher;
  /** The number of this node's entries that were rejected because the node had already begun a newer epoch. */
  #fenced = 0;
  /**
   * The number of this node's entries that the log has delivered. `#appendMs` is the sum of their times from append to
   * delivery.
   */
  #appends = 0;
  #appendMs = 0;
  #isStepScheduled = false;
  #isLingering = false;
  #checkLogAt = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { identity, elapsed, later, log, install, warn, publish } = options;
    this.#health = new Health(elapsed());
    this.#leadership = new Leadership(identity, elapsed());
    this.#join = new JoinHandshake(identity);
    this.#divergence = new DivergenceDetector(identity.node);
    this.#proposals = new Proposals(identity.node);
    this.#applier = new Applier({
      ...options,
      applyVersion: identity.applyVersion,
      // Publish the position before the answers, because the front must know it when it passes an answer on.
      committed: () => this.#publish(),
    });
    this.#clock = new LogClock({
      node: identity.node,
      wall: options.wall,
      elapsed,
      membership: () => this.#applier.membership,
    });
    this.#reader = new LogReader(this.#applier, options.pendingBytesMax);
    this.#sender = new EntrySender({
      identity,
      proposals: this.#proposals,
      elapsed,
      later,
      membership: () => this.#applier.membership,
      session: () => (this.#health.phase === "ready" ? this.#connection.session : null),
      isLeader: () => this.isLeader,
      isFull: () => this.#health.isFull,
      appended: (outcome, proposal) => this.#onAppended(outcome, proposal),
    });
    this.#publisher = new StatusPublisher((status) => publish(status, this.nowMs, this.#clock.rate));
    this.#connection = new Connection({
      log,
      install,
      elapsed,
      position: () => this.#applier.state.position,
      found: ({ last, warnings }) => {
        this.#reader.noteLast(last);
        warn(warnings);
      },
      restart: (installed) => this.#restart(installed),
      opened: (session) => this.#onOpened(session),
      entry: (id, bytes, last) => this.#onDelivered(id, bytes, last),
      disconnected: (why) => this.#onDisconnected(why),
      fatal: (why) => this.#halt(why),
    });
  }

  get status(): ReplicaStatus {
    const { position, membership } = this.#applier.state;
    const { applied, applyMs } = this.#applier;
    const facts = {
      isVersionCurrent: this.#isVersionCurrent,
      isBehind: this.#reader.isBehind,
      hasJoined: this.#proposals.epoch > 0,
    };
    return {
      ...this.#health.summarize(facts, this.#options.elapsed()),
      leader: membership.leader,
      term: membership.term,
      isLeader: this.isLeader,
      position: position.id,
      log_last: this.#reader.last,
      reopens: this.#connection.reopens,
      fenced: this.#fenced,
      foreign: this.#reader.foreign + this.#reader.damaged,
      appends: this.#appends,
      append_s: this.#appendMs / 1_000,
      applied,
      apply_s: applyMs / 1_000,
    };
  }

  /** The log's time at the last applied entry, in ms. */
  get nowMs(): number {
    return this.#applier.state.membership.nowMs;
  }

  /** Warnings for the operator about the clocks of the nodes, one line each. */
  get clockWarnings(): readonly string[] {
    return this.#clock.warnings;
  }

  /**
   * Warnings for the operator about the content of the log, one line each. The lines contain no counts, so that a
   * warning stays the same while a count grows.
   */
  get logWarnings(): readonly string[] {
    const { foreign, damaged } = this.#reader;
    return [...(foreign > 0 ? [FOREIGN_WARNING] : []), ...(damaged > 0 ? [DAMAGED_WARNING] : [])];
  }

  /** Identifies the log that this node follows. */
  get generation(): string {
    return this.#applier.state.position.generation;
  }

  /** Whether this node is the leader, as far as it knows. */
  get isLeader(): boolean {
    return this.#canAppend && this.#applier.membership.leader === this.#options.identity.node;
  }

  /** How many bytes of the log this process has applied or skipped. */
  get bytes(): number {
    return this.#applier.bytes;
  }

  get #isVersionCurrent(): boolean {
    return this.#applier.membership.applyVersion === this.#options.identity.applyVersion;
  }

  /** Whether this node can append calls to the log now. */
  get #canAppend(): boolean {
    return this.#health.phase === "ready" && this.#isVersionCurrent;
  }

  /**
   * Deletes the entries of the log up to and including an id.
   * @throws LogError
   */
  async trim(through: number): Promise<void> {
    await this.#connection.session?.trim(through);
  }

  /** Queues calls for the log. If the node cannot append calls now, they fail at once. */
  execute(calls: Calls): void {
    if (!this.#canAppend) {
      this.#fail(calls, this.#health.unavailable());
      return;
    }
    const accepted = this.isLeader ? calls : calls.filter(({ method }) => method.inCluster !== "leader");
    if (accepted.length < calls.length)
      this.#fail(
        calls.filter((call) => !accepted.includes(call)),
        NOT_LEADING,
      );
    if (accepted.length === 0) return;
    this.#proposals.wait(accepted);
    this.#propose();
  }

  /** Runs one pass of the loop: applies the delivered entries, then proposes the next entry. */
  step(): void {
    this.#health.stalledUntil = null;
    while (this.#applier.hasPending && this.#health.isActive) {
      const { entries, stateHashes, stop } = this.#applier.applyNext(this.#proposals.inFlight);
      for (const { id, stateHash } of stateHashes) this.#divergence.recordOwn(id, stateHash);
      for (const entry of entries) this.#onApplied(entry);
      this.#reader.adjust(this.#connection.session, this.#options.elapsed());
      if (stop !== null) {
        this.#onStopped(stop);
        return;
      }
    }
    if (this.#health.phase === "ready") {
      this.#health.clearReason();
      this.#propose();
      this.#sender.flush();
    }
    this.#publish();
  }

  /** Runs the periodic work. Called every NODE_TICK_MS. */
  tick(): void {
    const now = this.#options.elapsed();
    this.#leadership.silenceMs(now);
    this.#connection.tick(now);
    if (this.#health.isActive) this.#superviseSession(now);
    if (now >= this.#checkLogAt) void this.#checkLog(now);
    this.#publisher.offerAll(this.status);
  }

  /** Ends the connection. Pending calls get no answer. */
  async close(): Promise<void> {
    this.#health.phase = "closed";
    await this.#connection.end();
  }

  // Deliver

  #onDelivered(id: number, bytes: Uint8Array, last: number): void {
    if (!this.#reader.receive(id, bytes, last)) {
      this.#connection.lose(`entry ${id} ${DAMAGED_IN_FLIGHT}`);
      return;
    }
    this.#reader.adjust(this.#connection.session, this.#options.elapsed());
    if (this.#isStepScheduled) return;
    this.#isStepScheduled = true;
    this.#options.defer(() => {
      this.#isStepScheduled = false;
      if (!this.#health.isStalled) this.step();
    });
  }

  // Apply

  #onStopped(stop: Stop): void {
    switch (stop.kind) {
      case "unreadable":
      case "poison":
        this.#halt(stop.why);
        return;
      case "not_stored":
        this.#health.stalledUntil = this.#options.elapsed() + ENTRY_RETRY_MS;
        this.#health.reason = this.#reader.isPaused ? `${stop.why}; ${READING_PAUSED}` : stop.why;
        this.#publish();
        return;
      default:
        this.#connection.requireSnapshot(stop.id);
    }
  }

  /** Handles the effects of an applied entry on this node's memory. Its effect on the database is already stored. */
  #onApplied(applied: AppliedEntry): void {
    const {
      id,
      entry: { head, content },
      rejected,
      membership,
    } = applied;
    const { identity, elapsed, superseded } = this.#options;
    if (head.node === membership.leader && rejected === null) {
      this.#leadership.noteLeader(elapsed());
      this.#sender.noteLeader(elapsed());
    }
    this.#sender.onApplied(head, elapsed());
    if (content.kind === "hello" && head.node === identity.node) this.#onJoinRequestApplied(id, content, rejected);
    else if (content.kind === "upgrade" && rejected === null && content.to > identity.applyVersion) {
      this.#halt(supersededBy(content.to));
      superseded(id, membership.leader === identity.node);
    } else if (
      this.#health.phase === "ready" &&
      membership.nodes.get(identity.node)?.incarnation !== this.#proposals.epoch
    )
      this.#onDropped();
    else if (head.node !== identity.node) this.#onPeerEntryApplied(applied);
    else this.#onOwnEntryApplied(applied);
  }

  #onPeerEntryApplied({ entry: { head, content }, rejected }: AppliedEntry): void {
    if (rejected !== null) return;
    if (content.kind === "calls") this.#sender.noteRemoteCalls();
    this.#divergence.recordPeer(head.node, head.position, head.stateHash, this.#options.elapsed());
    if (this.#health.phase === "ready") this.#clock.record(head.node, head.wallMs);
  }

  /**
   * Handles an applied entry of this node, usually the entry in flight. The callers of an accepted entry were already
   * answered when the entry was committed.
   */
  #onOwnEntryApplied({ entry: { head }, rejected }: AppliedEntry): void {
    const { server, elapsed } = this.#options;
    const proposal = this.#proposals.inFlight;
    if (proposal === null || !this.#proposals.isInFlight(head)) {
      // A rejected entry of the current epoch is a second copy of an applied entry. Do not count it as fenced.
      if (rejected === "old" && head.epoch !== this.#proposals.epoch) this.#fenced += 1;
      return;
    }
    this.#sender.settle();
    this.#proposals.end(proposal, elapsed(), server.depth);
    this.#appends += 1;
    this.#appendMs += elapsed() - proposal.since;
    if (rejected !== null && proposal.calls !== null) this.#fail(proposal.calls, this.#health.unavailable());
    if (rejected === "old") this.#onDropped();
  }

  // Propose and append

  /**
   * Proposes the next entry, if none is in flight. While an entry is in flight, the RPC server is paused, so that new
   * calls wait at the front.
   */
  #propose(): void {
    const { server, elapsed } = this.#options;
    const { session } = this.#connection;
    if (this.#health.phase !== "ready" || session === null) return;
    if (this.#health.isStalled || this.#proposals.inFlight !== null) {
      server.pause();
      return;
    }
    const now = elapsed();
    const lingerMs = this.#proposals.lingerMs(now);
    if (lingerMs > 0) {
      server.resume();
      this.#linger(lingerMs);
      return;
    }
    const calls = this.#proposals.take();
    if (calls !== null) {
      this.#proposeCalls(session, calls);
      server.pause();
      return;
    }
    server.resume();
    const isClockRight = (): boolean => this.#clock.aheadMs === 0;
    const due = this.#leadership.dueEntry(this.#applier.membership, isClockRight, now);
    if (due !== null) this.#proposeEntry(session, due, null);
  }

  /** Calls `#propose` after a delay, so that more calls can join the entry. */
  #linger(ms: number): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    this.#options.later(() => {
      this.#isLingering = false;
      this.#propose();
    }, ms);
  }

  #proposeCalls(session: LogSession, calls: Calls): void {
    const { committed } = this.#options;
    const term = this.isLeader ? this.#applier.membership.term : 0;
    // From here on, the calls may be applied even if this thread crashes. So the front must not send them again.
    committed.set(must(calls[calls.length - 1], "an entry has calls").id);
    this.#proposeEntry(session, { kind: "calls", term, calls }, calls);
  }

  #proposeEntry(session: LogSession, content: EntryContent, calls: Calls | null): void {
    const proposal = this.#proposals.begin(calls, this.#options.elapsed());
    this.#sender.send(session, proposal, this.#encode(content, proposal));
  }

  #encode(content: EntryContent, { epoch, number }: Pick<Proposal, "epoch" | "number">): Uint8Array {
    const { identity, methods, wall, elapsed } = this.#options;
    const { position } = this.#applier.state;
    const head = {
      applyVersion: identity.applyVersion,
      node: identity.node,
      epoch,
      number,
      // A joining node does not know the other nodes' clocks yet. Its own clock may be wrong, so it gets no vote on the
      // log's time.
      at: this.#clock.now(content.kind !== "hello"),
      position: position.id,
      stateHash: position.stateHash,
      wallMs: wall(),
    };
    this.#leadership.noteAppend(elapsed());
    return encodeEntry({ head, content }, methods, this.#applier.membership.applyVersion);
  }

  /**
   * Handles the outcome of an append.
   * @param proposal this node's entry that was appended; null if the message held only entries of other nodes
   */
  #onAppended(outcome: Appended, proposal: Proposal | null): void {
    if (outcome === "stored") this.#health.setFull(false, this.#options.elapsed());
    else if (outcome === "unknown") this.#connection.lose(UNKNOWN_OUTCOME);
    else if (proposal !== null) this.#onRejectedAppend(outcome, proposal);
  }

  /**
   * Handles an entry of this node that the log did not store. If the leader may still append a copy of the entry, the
   * node joins again. Every node then rejects a copy that follows the join request in the log.
   */
  #onRejectedAppend(outcome: "full" | "too_large", proposal: Proposal): void {
    if (outcome === "full") {
      this.#health.setFull(true, this.#options.elapsed());
      this.#publish();
    }
    if (this.#sender.isCopied) {
      this.#rejoin(outcome === "full" ? FULL_REASON : "the log rejected an entry: the node joins again");
      return;
    }
    if (outcome === "full") this.#fail(this.#proposals.takeBack(proposal, false), FULL);
    else this.#fail(this.#proposals.takeBack(proposal, true), TOO_LARGE);
    this.#propose();
  }

  // Join

  #onOpened(session: LogSession): void {
    const { identity, elapsed, poisonGuard } = this.#options;
    this.#health.noteReached(elapsed());
    this.#applier.clear();
    poisonGuard.expect(session.status.last);
    this.#reader.restart();
    session.follow(this.#applier.state.position.id);
    session.channel?.listen(identity.node, (bytes) => {
      if (session === this.#connection.session && this.#canAppend && !this.#health.isStalled)
        this.#sender.receive(session, bytes);
    });
    // The reason for the disconnection is shown until the node has joined.
    this.#startJoin(this.#health.reason);
  }

  /** Requests a new epoch. When the log delivers the join request, the outcome of the entry in flight is known. */
  #startJoin(reason: string): void {
    this.#health.phase = "joining";
    this.#health.reason = reason;
    this.#proposals.detach();
    this.#sender.clear();
    this.#join.restart();
    this.#requestJoin();
  }

  #requestJoin(): void {
    const { session } = this.#connection;
    if (session === null) return;
    const content = this.#join.request(this.#applier.membership, this.#options.elapsed());
    session.append(this.#encode(content, { epoch: 0, number: 0 }), (outcome) => {
      if (outcome === "unknown") this.#connection.lose(UNKNOWN_OUTCOME);
      if (outcome !== "full") return;
      this.#health.setFull(true, this.#options.elapsed());
      this.#join.retryLater(this.#options.elapsed());
      this.#publish();
    });
  }

  #onJoinRequestApplied(id: number, content: JoinRequest, rejected: RejectReason | null): void {
    const { elapsed } = this.#options;
    const { membership } = this.#applier;
    const result = this.#join.onApplied(content, rejected, {
      membership,
      epoch: this.#proposals.epoch,
      now: elapsed(),
    });
    switch (result.kind) {
      case "joined":
        // Several join requests of this process may have been accepted. Each of them began an epoch, and only the
        // newest epoch counts.
        this.#health.phase = "ready";
        this.#health.setFull(false, elapsed());
        this.#leadership.noteLeader(elapsed());
        this.#fail(this.#proposals.rejoin(id), this.#health.unavailable());
        return;
      case "again":
        if (this.#health.phase === "joining") this.#requestJoin();
        return;
      case "retrying":
        this.#health.reason = result.reason;
        return;
      case "halt":
        this.#halt(result.why);
        return;
      case "ignored":
    }
  }

  /**
   * Handles the removal of this node from the membership. The other nodes now reject its entries, so it joins again.
   */
  #onDropped(): void {
    this.#rejoin("the cluster has removed this node: it joins again");
  }

  /** Joins again. The entry in flight is applied only if it comes before the new join request in the log. */
  #rejoin(reason: string): void {
    this.#startJoin(reason);
    this.#failWaiting();
  }

  // Session and health

  /** Does the periodic work of an open session: retries, overdue entries, the check for divergence, and leadership. */
  #superviseSession(now: number): void {
    const { stalledUntil } = this.#health;
    if (stalledUntil !== null) {
      if (now >= stalledUntil) this.step();
      return;
    }
    if (this.#applier.hasPending) return;
    this.#health.noteReached(now);
    if (this.#health.phase === "joining") {
      if (this.#join.takeRetry(now)) this.#requestJoin();
      else if (this.#isOverdue(this.#join.pendingSince, now)) this.#connection.lose(NOT_RETURNED);
      return;
    }
    const why = this.#divergence.haltReason(now);
    if (why !== null) this.#halt(why);
    else if (
      this.#isOverdue(this.#proposals.inFlight?.since ?? null, now) ||
      this.#isOverdue(this.#sender.bundleSince, now)
    )
      this.#connection.lose(NOT_RETURNED);
    else {
      this.#sender.appendOverdue(now, this.#reader.resumedAt);
      this.#propose();
    }
  }

  /** Whether an entry is overdue: it was appended at `since`, and the log has not delivered it in time. */
  #isOverdue(since: number | null, now: number): boolean {
    return since !== null && now - Math.max(since, this.#reader.resumedAt) > ENTRY_RETURN_MS_MAX;
  }

  /**
   * Asks the log for warnings. Errors are ignored: if the log cannot answer, the appends fail too and report the
   * problem.
   */
  async #checkLog(now: number): Promise<void> {
    const { session } = this.#connection;
    if (session === null) return;
    this.#checkLogAt = now + LOG_CHECK_MS;
    try {
      const warnings = await session.check();
      if (session === this.#connection.session) this.#options.warn(warnings);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
  }

  /**
   * Continues from the state of an installed snapshot.
   * @returns why the node must halt; null if it can continue
   */
  #restart(installed: NodeState): string | null {
    this.#applier.restart(installed);
    this.#divergence.reset();
    // The snapshot may hold the effect of the entry in flight, but not the answers for its callers.
    this.#proposals.dropInFlight();
    const { applyVersion } = installed.membership;
    return applyVersion > this.#options.identity.applyVersion ? supersededBy(applyVersion) : null;
  }

  /**
   * Handles the loss of the session. The outcome of the entry in flight stays unknown until the node has joined again.
   */
  #onDisconnected(why: string): void {
    this.#health.phase = "disconnected";
    this.#health.reason = why;
    this.#failWaiting();
    this.#publish();
  }

  #halt(why: string): void {
    void this.#connection.end();
    this.#health.phase = "halted";
    this.#health.reason = why;
    this.#failWaiting();
    this.#publish();
  }

  /**
   * Fails the calls that were not appended. Then resumes the RPC server, so that later calls fail at once instead of
   * waiting.
   */
  #failWaiting(): void {
    this.#fail(this.#proposals.takeAll(), this.#health.unavailable());
    this.#options.server.resume();
  }

  #fail(calls: Calls, failure: Failure): void {
    for (const call of calls) this.#options.server.fail(call, failure);
    this.#options.server.flush();
  }

  #publish(): void {
    this.#publisher.offer(this.status);
  }
}

function supersededBy(applyVersion: number): string {
  return `the cluster uses apply version ${applyVersion}: start a newer Koor`;
}
