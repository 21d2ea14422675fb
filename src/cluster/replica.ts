/**
 * A node of a cluster, in the writer's thread: the calls of its own callers become entries of the log, and the entries
 * of all nodes, as they come back in the log's order, are carried out on this node's database. A call is answered when
 * its entry has come back and is on this node's disk.
 *
 * Calls that come while an entry is on its way share the next (proposals.ts). What became of one when the connection
 * was lost (connection.ts) is known exactly when the node's next hello has come back: what is not before it in the log
 * never will be. Where the log is another one, or others have come to something else, the node halts, keeps its files,
 * and says why.
 */
import {
  CUT_OFF_MS,
  ENTRIES_PENDING_BYTES_MAX,
  ENTRY_RETRY_MS,
  ENTRY_RETURN_MS_MAX,
  FORWARD_BYTES_MAX,
  LEADER_SILENCE_MS,
  LOG_CHECK_MS,
  LOG_REOPEN_DELAY_MS_MAX,
  NODE_HEARTBEAT_MS,
  NODE_HELD_MS,
  NODE_LAG_ENTRIES_MAX,
  NODE_SILENCE_MS,
} from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { Failure } from "../base/result.js";
import { LogError, type Appended, type LogSession } from "../ordered-log/ordered-log.js";
import type { MethodTable } from "../rpc/method.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { BUNDLE_APPLY_VERSION_MIN, encodeBundle } from "./bundle.js";
import { Bundler, type Collected, type Flight } from "./bundler.js";
import { Applier, NOT_LEADING, type ApplierOptions, type AppliedEntry } from "./applier.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { encodeEntry, isForeign, readCallsHead, type EntryContent } from "./entry.js";
import { Forwarding } from "./forwarding.js";
import { LogClock } from "./log-clock.js";
import type { Membership, RejectReason } from "./membership.js";
import type { ReplicaStatus } from "./node-status.js";
import { Proposals, type Proposal } from "./proposals.js";
import type { PoisonGuard } from "./poison-guard.js";
import type { NodeState } from "./table.js";
import { DivergenceDetector } from "./divergence-detector.js";

/** Who this node is. */
export interface Identity {
  readonly node: string;
  /** Which data directory. */
  readonly storeId: string;
  /** Which start of the writer's thread. */
  readonly bootId: string;
  readonly version: string;
  /** Which commands its methods carry out. */
  readonly applyVersion: number;
  /** What has to be the same everywhere, as one text. */
  readonly settings: string;
}

export interface ReplicaOptions
  extends Pick<ApplierOptions, "state" | "table" | "entriesOf" | "beforeCommit">,
    Pick<ConnectionOptions, "log" | "install"> {
  readonly identity: Identity;
  readonly poisonGuard: PoisonGuard;
  readonly methods: MethodTable<WriterMethod>;
  readonly server: RpcServer<WriterMethod>;
  /** Calls up to the id in its first element may have been carried out although they were not answered. */
  readonly committed: BigInt64Array;
  /** For tests: how much of the log may wait in memory. */
  readonly pendingBytesMax?: number;
  /** This machine's clock, in ms since the epoch. */
  readonly wall: () => number;
  /** ms since some moment; nobody can set it. */
  readonly elapsed: () => number;
  /** Runs something when the event loop has taken in what has come. */
  readonly defer: (run: () => void) => void;
  /** Runs something in so many ms. */
  readonly later: (run: () => void, ms: number) => void;
  /**
   * Tells of the node: after each commit, and where something has changed; of mere counts with the next tick.
   * @param now_ms the time of the newest entry
   * @param clock_ms what the log's time is by now; 0 while this node cannot know it
   */
  readonly publish: (status: ReplicaStatus, now_ms: number, clock_ms: number) => void;
  /** The cluster has gone on to other commands, at this entry: those who have them need a snapshot of it. */
  readonly superseded: (position: number, led: boolean) => void;
  /** Takes what the operator is to know of how the log is set up. */
  readonly warn: (warnings: readonly string[]) => void;
}

/** What the front acts on. The rest is only counted: each telling wakes it up, so that goes with the next one. */
const ACTED_ON: readonly (keyof ReplicaStatus)[] = [
  "state",
  "reason",
  "leader",
  "term",
  "isLeader",
  "position",
  "log_last",
  "reopens",
  "fenced",
  "foreign",
];
const ALL: readonly (keyof ReplicaStatus)[] = [...ACTED_ON, "appends", "append_s", "applied", "apply_s"];

const READS_NO_FURTHER = "the log is not read any further until there is room";
const AWAY = "the cluster's log cannot be reached";
const FOREIGN_WARNING =
  "messages that no node has appended are in the log: every node passes over them; look who else writes there";
const FULL_REASON = "the cluster's log takes no more writes: its disk is full, or what it may use of it";
const FULL = new Failure("DISK_FULL", "the cluster's log takes no more writes: nothing was stored");
const TOO_LARGE = new Failure("OUT_OF_RANGE", "larger than the cluster's log takes: nothing was stored");
/** What a halt says of a hello that was refused, by why. */
const JOIN_REJECTIONS: Readonly<Partial<Record<RejectReason, (identity: Identity, membership: Membership) => string>>> =
  {
    name_taken: ({ node }) => `another node is called ${node}: give each its own --node-id`,
    settings: ({ settings }, membership) =>
      `settings differ from the cluster's: here ${settings}, there ${membership.settings}`,
  };

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #applier: Applier;
  readonly #divergence: DivergenceDetector;
  readonly #proposals: Proposals;
  readonly #connection: Connection;
  readonly #clock: LogClock;
  readonly #bundler = new Bundler();
  readonly #forwarding = new Forwarding();
  /** The own entry in flight was forwarded, and then appended by this node, too: it may be in the log twice. */
  #isCopied = false;
  /** The next bundle waits for other entries, until that is over. */
  #lingers = false;
  #phase: "disconnected" | "joining" | "ready" | "halted" | "closed" = "disconnected";
  #reason = "";
  /** When the log was last found to be there. */
  #reached_at: number;
  #fenced = 0;
  /** Messages that were passed over, and the newest of them. */
  #foreign = 0;
  #foreign_id = 0;
  #appends = 0;
  #append_ms = 0;
  #log_last = 0;
  #drain_scheduled = false;
  /** Calls wait for others, until that is over. */
  #lingering = false;
  #stalled_until: number | null = null;
  /** Whether the log is read; not where more of it has come than was carried out, or just again. */
  #reading: "on" | "paused" | "resumed" = "on";
  /** When it was read again. */
  #resumed_at = 0;
  #appended_at = 0;
  #leader_heard_at: number;
  /** When the leader's silence was last looked at. */
  #looked_at: number;
  /** Since when the log has taken nothing; null where it does. */
  #full_since: number | null = null;
  #look_at = 0;
  #joinRetryAt: number | null = null;
  #joinRejectedSince: number | null = null;
  #published: ReplicaStatus | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { identity, elapsed, log, install, warn } = options;
    this.#applier = new Applier({
      ...options,
      applyVersion: identity.applyVersion,
      callersOf: (head) => (this.#proposals.isInFlight(head) ? (this.#proposals.inFlight?.calls ?? []) : null),
      onStateHash: (id, stateHash) => this.#divergence.recordOwn(id, stateHash),
      onCommitted: () => this.#publish(),
      observe: (observed) => this.#observe(observed),
    });
    this.#divergence = new DivergenceDetector(identity.node);
    this.#clock = new LogClock({
      node: identity.node,
      wall: options.wall,
      elapsed,
      membership: () => this.#applier.membership,
    });
    this.#proposals = new Proposals(identity.node);
    this.#connection = new Connection({
      log,
      install,
      elapsed,
      position: () => this.#applier.state.position,
      found: ({ last, warnings }) => {
        this.#log_last = last;
        warn(warnings);
      },
      restart: (installed) => this.#restart(installed),
      opened: (session) => this.#startSession(session),
      entry: (id, bytes, last) => this.#receive(id, bytes, last),
      disconnected: (why) => this.#onDisconnected(why),
      wrong: (why) => this.#halt(why),
    });
    this.#reached_at = elapsed();
    this.#leader_heard_at = elapsed();
    this.#looked_at = elapsed();
  }

  get status(): ReplicaStatus {
    const { position, membership } = this.#applier.state;
    const { applied, apply_ms } = this.#applier;
    return {
      ...this.#health(),
      leader: membership.leader,
      term: membership.term,
      isLeader: this.isLeader,
      position: position.id,
      log_last: Math.max(this.#log_last, position.id),
      reopens: this.#connection.reopens,
      fenced: this.#fenced,
      foreign: this.#foreign,
      appends: this.#appends,
      append_s: this.#append_ms / 1_000,
      applied,
      apply_s: apply_ms / 1_000,
    };
  }

  /** The log's time in ms: what was carried out last was at that time. */
  get now_ms(): number {
    return this.#applier.state.membership.now_ms;
  }

  /** What the operator is to know of the nodes' clocks, a line each. */
  get clock_warnings(): readonly string[] {
    return this.#clock.warnings;
  }

  /** What the operator is to know of what is in the log, a line each; the same line however much of it there is. */
  get log_warnings(): readonly string[] {
    return this.#foreign > 0 ? [FOREIGN_WARNING] : [];
  }

  /** Which log this node follows. */
  get generation(): string {
    return this.#applier.state.position.generation;
  }

  /** Whether this node leads, as far as it knows. */
  get isLeader(): boolean {
    const { leader } = this.#applier.membership;
    return this.#serves && leader === this.#options.identity.node;
  }

  /** How much of the log this run has carried out. */
  get bytes(): number {
    return this.#applier.bytes;
  }

  /** Whether calls can be put into the log. */
  get #serves(): boolean {
    return this.#phase === "ready" && this.#applier.membership.applyVersion === this.#options.identity.applyVersion;
  }

  /**
   * Forgets the entries up to this id.
   * @throws LogError
   */
  async trim(through: number): Promise<void> {
    await this.#connection.session?.trim(through);
  }

  /** Puts calls into the log, behind those that wait. */
  execute(calls: readonly ServerCall<WriterMethod>[]): void {
    if (!this.#serves) {
      this.#reject(calls, this.#unavailable());
      return;
    }
    const asked = this.isLeader ? calls : calls.filter(({ method }) => method.in_cluster !== "leader");
    if (asked.length < calls.length)
      this.#reject(
        calls.filter((call) => !asked.includes(call)),
        NOT_LEADING,
      );
    if (asked.length === 0) return;
    this.#proposals.wait(asked);
    this.#next();
  }

  /** Does what is due. */
  tick(): void {
    const now = this.#options.elapsed();
    this.#leaderSilence(now);
    this.#connection.tick(now);
    if (this.#phase === "joining" || this.#phase === "ready") this.#watch(now);
    if (now >= this.#look_at) void this.#look(now);
    this.#publish(ALL);
  }

  /** Asks how the log is; where it does not answer, who appends hears of that. */
  async #look(now: number): Promise<void> {
    const { session } = this.#connection;
    if (session === null) return;
    this.#look_at = now + LOG_CHECK_MS;
    try {
      const warnings = await session.look();
      if (session === this.#connection.session) this.#options.warn(warnings);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** Ends the connection; what was not answered is never answered. */
  async close(): Promise<void> {
    this.#phase = "closed";
    await this.#connection.end();
  }

  /** Goes on from what a snapshot held. */
  #restart(installed: NodeState): string | null {
    this.#applier.restart(installed);
    this.#divergence.reset();
    // It may be in the snapshot, and its answer is not.
    this.#proposals.dropInFlight();
    const { applyVersion } = installed.membership;
    return applyVersion > this.#options.identity.applyVersion ? supersededBy(applyVersion) : null;
  }

  #startSession(session: LogSession): void {
    const { elapsed } = this.#options;
    this.#reached_at = elapsed();
    this.#applier.clear();
    this.#options.poisonGuard.expect(session.status.last);
    this.#reading = "on";
    session.follow(this.#applier.state.position.id);
    session.channel?.listen(this.#options.identity.node, (bytes) => this.#collect(session, bytes));
    // Why there was none before, until it is let in.
    this.#join(this.#reason);
  }

  /** Asks to be let in, under a new incarnation; what is on its way is settled when the answer has come. */
  #join(reason: string): void {
    this.#phase = "joining";
    this.#reason = reason;
    this.#proposals.detach();
    this.#bundler.clear();
    this.#forwarding.end();
    this.#joinRetryAt = null;
    this.#requestJoin();
  }

  #requestJoin(): void {
    const { session } = this.#connection;
    if (session === null) return;
    const { node, storeId: store, bootId: run, version, settings } = this.#options.identity;
    const replaces = this.#applier.membership.nodes.get(node)?.incarnation ?? 0;
    this.#append(session, { kind: "hello", store, run, replaces, version, settings }, 0, 0, (outcome) => {
      if (outcome === "unknown") this.#connection.lose("the log did not say what became of an entry");
      if (outcome !== "full") return;
      this.#isFull(true);
      this.#joinRetryAt = this.#options.elapsed() + LOG_REOPEN_DELAY_MS_MAX;
      this.#publish();
    });
  }

  /** Whether the log takes anything, by what it has just said. */
  #isFull(full: boolean): void {
    this.#full_since = full ? (this.#full_since ?? this.#options.elapsed()) : null;
    if (full) this.#reason = FULL_REASON;
    else if (this.#reason === FULL_REASON) this.#reason = "";
  }

  /** What was not put into the log yet is not going to be; who calls from now on hears why at once. */
  #failWaiting(): void {
    this.#reject(this.#proposals.takeAll(), this.#unavailable());
    this.#options.server.resume();
  }

  /** There is no session: what is on its way is settled by the next. */
  #onDisconnected(why: string): void {
    this.#phase = "disconnected";
    this.#reason = why;
    this.#failWaiting();
    this.#publish();
  }

  #halt(why: string): void {
    void this.#connection.end();
    this.#phase = "halted";
    this.#reason = why;
    this.#failWaiting();
    this.#publish();
  }

  /** Looks after the session: what does not come back, who leads, and whether there is anything to say. */
  #watch(now: number): void {
    if (this.#stalled_until !== null) {
      if (now >= this.#stalled_until) this.#drain();
      return;
    }
    if (this.#applier.hasPending) return;
    this.#reached_at = now;
    if (this.#phase === "joining") {
      if (this.#joinRetryAt !== null && now >= this.#joinRetryAt) {
        this.#joinRetryAt = null;
        this.#requestJoin();
      } else if (this.#joinRetryAt === null && this.#isOverdue(this.#appended_at, now)) {
        this.#connection.lose("what was appended to the log does not come back");
      }
      return;
    }
    const { inFlight } = this.#proposals;
    const verdict = this.#divergence.haltReason(now);
    if (verdict !== null) this.#halt(verdict);
    else if ([inFlight, this.#bundler.flight].some((one) => one !== null && this.#isOverdue(one.since, now)))
      this.#connection.lose("what was appended to the log does not come back");
    else {
      this.#appendForwarded(this.#forwarding.overdue(now, this.#resumed_at), true);
      this.#next();
    }
  }

  /** Whether what was appended then should have come back by now. */
  #isOverdue(since: number, now: number): boolean {
    return now - Math.max(since, this.#resumed_at) > ENTRY_RETURN_MS_MAX;
  }

  /** Appends what is to be said next; where that is nothing, new calls may come. */
  #next(): void {
    const { server, elapsed } = this.#options;
    const { session } = this.#connection;
    if (this.#phase !== "ready" || session === null) return;
    if (this.#stalled_until !== null || this.#proposals.inFlight !== null) {
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
      this.#propose(session, calls);
      server.pause();
      return;
    }
    server.resume();
    const { leader, term, applyVersion } = this.#applier.membership;
    const { node, applyVersion: ownApplyVersion } = this.#options.identity;
    if (applyVersion < ownApplyVersion) this.#say(session, { kind: "upgrade", to: ownApplyVersion });
    else if (
      leader !== node &&
      (leader === "" || this.#leaderSilence(now) > LEADER_SILENCE_MS) &&
      this.#clock.ahead_ms === 0
    ) {
      this.#leader_heard_at = now;
      this.#say(session, { kind: "candidacy", term });
    } else if (now - this.#appended_at >= NODE_HEARTBEAT_MS) this.#say(session, { kind: "beat" });
  }

  /**
   * For how many ms nothing was heard of who leads. Not while this thread was held up: what was said then waits to be
   * read.
   */
  #leaderSilence(now: number): number {
    const held_ms = Math.max(0, now - this.#looked_at - NODE_HELD_MS);
    this.#looked_at = now;
    this.#leader_heard_at = Math.min(now, this.#leader_heard_at + held_ms);
    return now - this.#leader_heard_at;
  }

  /** Looks again when others have had time to come. */
  #linger(ms: number): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#options.later(() => {
      this.#lingering = false;
      this.#next();
    }, ms);
  }

  #propose(session: LogSession, calls: readonly ServerCall<WriterMethod>[]): void {
    const { committed } = this.#options;
    const term = this.isLeader ? this.#applier.membership.term : 0;
    // From here on they may be carried out, whatever becomes of this thread.
    Atomics.store(committed, 0, BigInt(must(calls[calls.length - 1], "an entry has calls").id));
    this.#say(session, { kind: "calls", term, calls }, calls);
  }

  #say(session: LogSession, content: EntryContent, calls: readonly ServerCall<WriterMethod>[] | null = null): void {
    const proposal = this.#proposals.begin(calls, this.#options.elapsed());
    const bytes = this.#encode(content, proposal.epoch, proposal.number);
    this.#isCopied = false;
    if (calls === null || !this.#bundles(session)) this.#appendProposal(session, proposal, bytes);
    else if (this.isLeader) {
      const { epoch, number } = proposal;
      this.#bundler.add({ head: { node: this.#options.identity.node, epoch, number }, bytes });
      this.#sendBundle();
    } else this.#forward(session, proposal, bytes);
  }

  /** Whether entries of several nodes may share a message: all nodes read that, and nothing is known to be in the way. */
  #bundles({ channel }: LogSession): boolean {
    const { applyVersion } = this.#options.identity;
    return channel !== null && applyVersion >= BUNDLE_APPLY_VERSION_MIN && this.#full_since === null;
  }

  /** Sends an own entry to the node that leads, or appends it where that is of no use. */
  #forward(session: LogSession, proposal: Proposal, bytes: Uint8Array): void {
    const { channel } = session;
    const { leader } = this.#applier.membership;
    const now = this.#options.elapsed();
    if (
      channel === null ||
      leader === "" ||
      !this.#forwarding.shouldForward(now) ||
      bytes.byteLength > Math.min(FORWARD_BYTES_MAX, channel.bytesMax)
    ) {
      this.#appendProposal(session, proposal, bytes);
      return;
    }
    this.#forwarding.begin(proposal, bytes, now);
    channel.send(leader, bytes, () =>
      this.#appendForwarded(this.#forwarding.undelivered(proposal, this.#options.elapsed()), false),
    );
  }

  /**
   * Appends an own entry that was forwarded, under the same number.
   * @param isCopied whether the other node may append it, too
   */
  #appendForwarded(
    forwarded: { readonly proposal: Proposal; readonly bytes: Uint8Array } | null,
    isCopied: boolean,
  ): void {
    const { session } = this.#connection;
    if (forwarded === null || session === null || this.#phase !== "ready") return;
    const { proposal, bytes } = forwarded;
    if (this.#proposals.inFlight !== proposal) return;
    this.#isCopied = isCopied;
    this.#appendProposal(session, proposal, bytes);
  }

  #appendProposal(session: LogSession, proposal: Proposal, bytes: Uint8Array): void {
    session.append(bytes, (outcome) => {
      if (this.#proposals.inFlight === proposal) this.#heardOf(proposal, outcome);
    });
  }

  /** Takes an entry that another node has forwarded to this one. */
  #collect(session: LogSession, bytes: Uint8Array): void {
    if (session !== this.#connection.session || !this.#serves || this.#stalled_until !== null) return;
    if (!this.#bundles(session)) return;
    const head = readCallsHead(bytes);
    // What would be void anyway, or is none of a node's.
    if (head === null || head.node === this.#options.identity.node) return;
    if (this.#applier.membership.nodes.get(head.node)?.incarnation !== head.epoch) return;
    // It may lie in the connection's own buffer.
    this.#bundler.add({ head, bytes: new Uint8Array(bytes) });
    this.#sendBundle();
  }

  /** Appends what was collected, where no message is in flight and nothing is to be waited for. */
  #sendBundle(): void {
    const { session } = this.#connection;
    if (this.#phase !== "ready" || session === null) return;
    const now = this.#options.elapsed();
    const linger_ms = this.#bundler.lingerMs(now);
    if (linger_ms === null) return;
    if (linger_ms > 0) {
      this.#lingerFor(linger_ms);
      return;
    }
    const flight = this.#bundler.take(now);
    const entries = flight.parts.map(({ bytes }) => bytes);
    const [only] = entries;
    const bytes = entries.length === 1 ? must(only, "a bundle has entries") : encodeBundle(entries);
    session.append(bytes, (outcome) => {
      if (this.#bundler.flight === flight) this.#heardOfBundle(flight, outcome);
    });
  }

  #lingerFor(ms: number): void {
    if (this.#lingers) return;
    this.#lingers = true;
    this.#options.later(() => {
      this.#lingers = false;
      this.#sendBundle();
    }, ms);
  }

  /** What the log says of a message with entries of several nodes, or of one. */
  #heardOfBundle({ parts }: Flight, outcome: Appended): void {
    if (outcome === "stored") {
      this.#isFull(false);
      return;
    }
    // The other nodes append theirs themselves.
    const { session } = this.#connection;
    const proposal = this.#proposals.inFlight;
    const isOwn = ({ head }: Collected): boolean => this.#proposals.isInFlight(head);
    const waiting = this.#bundler.clear().find(isOwn);
    if (proposal !== null && parts.some(isOwn)) this.#heardOf(proposal, outcome);
    else if (outcome === "unknown") this.#connection.lose("the log did not say what became of an entry");
    else if (proposal !== null && waiting !== undefined && session !== null)
      this.#appendProposal(session, proposal, waiting.bytes);
  }

  /** What the log says of an own entry. */
  #heardOf(proposal: Proposal, outcome: Appended): void {
    switch (outcome) {
      case "stored":
        this.#isFull(false);
        return;
      case "unknown":
        this.#connection.lose("the log did not say what became of an entry");
        return;
      case "full":
        this.#isFull(true);
        this.#publish();
        if (this.#isCopied) {
          this.#rejoin(FULL_REASON);
          return;
        }
        this.#reject(this.#proposals.takeBack(proposal, false), FULL);
        break;
      default:
        if (this.#isCopied) {
          this.#rejoin("an entry was not taken: it joins again");
          return;
        }
        this.#reject(this.#proposals.takeBack(proposal, true), TOO_LARGE);
    }
    this.#next();
  }

  #append(
    session: LogSession,
    content: EntryContent,
    epoch: number,
    number: number,
    done: (outcome: Appended) => void,
  ): void {
    session.append(this.#encode(content, epoch, number), done);
  }

  #encode(content: EntryContent, epoch: number, number: number): Uint8Array {
    const { identity, methods, wall, elapsed } = this.#options;
    const { position } = this.#applier.state;
    const head = {
      applyVersion: identity.applyVersion,
      node: identity.node,
      epoch,
      number,
      // Who only joins does not know the others' clocks: its own may be the one that is wrong.
      at: this.#clock.now(content.kind !== "hello"),
      position: position.id,
      stateHash: position.stateHash,
      wall_ms: wall(),
    };
    this.#appended_at = elapsed();
    return encodeEntry({ head, content }, methods);
  }

  #receive(id: number, bytes: Uint8Array, last: number): void {
    this.#log_last = Math.max(this.#log_last, last, id);
    if (isForeign(bytes)) {
      this.#foreign += 1;
      this.#foreign_id = id;
      this.#applier.skip(bytes.byteLength);
    } else {
      // It may lie in the connection's own buffer.
      this.#applier.receive(id, new Uint8Array(bytes));
    }
    this.#reading = "on";
    this.#holdBack();
    if (this.#drain_scheduled) return;
    this.#drain_scheduled = true;
    this.#options.defer(() => {
      this.#drain_scheduled = false;
      if (this.#stalled_until === null) this.#drain();
    });
  }

  /** Reads no further where too much waits, until half of that is carried out. */
  #holdBack(): void {
    const { pendingBytesMax = ENTRIES_PENDING_BYTES_MAX, elapsed } = this.#options;
    const { pendingBytes } = this.#applier;
    const { session } = this.#connection;
    if (session === null) return;
    if (this.#reading !== "paused" && pendingBytes > pendingBytesMax) {
      this.#reading = "paused";
      session.pause();
    } else if (this.#reading === "paused" && pendingBytes <= pendingBytesMax / 2) {
      this.#reading = "resumed";
      this.#resumed_at = elapsed();
      session.resume();
    }
  }

  /** Carries out what has come. */
  #drain(): void {
    this.#stalled_until = null;
    while (this.#applier.hasPending && (this.#phase === "joining" || this.#phase === "ready")) {
      const stop = this.#applier.applyNext();
      this.#holdBack();
      if (stop === null) continue;
      switch (stop.kind) {
        case "unreadable":
        case "poison":
          this.#halt(stop.why);
          return;
        case "not_stored":
          this.#stalled_until = this.#options.elapsed() + ENTRY_RETRY_MS;
          this.#reason = this.#reading === "paused" ? `${stop.why}; ${READS_NO_FURTHER}` : stop.why;
          this.#publish();
          return;
        default:
          this.#connection.need(stop.id);
          return;
      }
    }
    if (this.#phase === "ready") {
      this.#reason = this.#full_since === null ? "" : FULL_REASON;
      this.#next();
      this.#sendBundle();
    }
    this.#publish();
  }

  /** What an entry that was carried out means for this node. */
  #observe({ id, entry: { head, content }, rejected, membership }: AppliedEntry): void {
    const { identity, server, elapsed, superseded } = this.#options;
    if (head.node === membership.leader && rejected === null) {
      this.#leader_heard_at = elapsed();
      this.#forwarding.noteLeader(elapsed());
    }
    this.#bundler.landed(head, elapsed());
    if (content.kind === "hello" && head.node === identity.node) {
      this.#onJoinResult(id, content.run, rejected);
      return;
    }
    if (content.kind === "upgrade" && rejected === null && content.to > identity.applyVersion) {
      this.#halt(supersededBy(content.to));
      superseded(id, membership.leader === identity.node);
      return;
    }
    if (this.#phase === "ready" && membership.nodes.get(identity.node)?.incarnation !== this.#proposals.epoch) {
      this.#outcast();
      return;
    }
    if (head.node !== identity.node) {
      if (rejected === null) {
        if (content.kind === "calls") this.#forwarding.noteRemoteCalls();
        this.#divergence.recordPeer(head.node, head.position, head.stateHash, elapsed());
        if (this.#phase === "ready") this.#clock.hear(head.node, head.wall_ms);
      }
      return;
    }
    const proposal = this.#proposals.inFlight;
    if (proposal === null || !this.#proposals.isInFlight(head)) {
      // One under the incarnation that counts is a second copy.
      if (rejected === "old" && head.epoch !== this.#proposals.epoch) this.#fenced += 1;
      return;
    }
    this.#forwarding.end();
    this.#proposals.end(proposal, elapsed(), server.depth);
    this.#appends += 1;
    this.#append_ms += elapsed() - proposal.since;
    if (rejected !== null && proposal.calls !== null) this.#reject(proposal.calls, this.#unavailable());
    if (rejected === "old") this.#outcast();
  }

  /**
   * The others do not count this node's entries any more: none of them was stored, nor will be, until it has joined.
   */
  #outcast(): void {
    this.#rejoin("the cluster has dropped this node: it joins again");
  }

  /** Joins again: what is in flight counts where it comes before that, and nowhere else. */
  #rejoin(reason: string): void {
    this.#join(reason);
    this.#failWaiting();
  }

  #onJoinResult(id: number, run: string, rejected: RejectReason | null): void {
    const { identity, elapsed } = this.#options;
    if (run !== identity.bootId) {
      // One of before, or of somebody who has taken the name over.
      if (rejected === null && this.#proposals.epoch > 0) this.#halt(`another process runs as node ${identity.node}`);
      return;
    }
    if (rejected === "old") {
      // Another hello of this name was before it; which, is known by now.
      if (this.#phase === "joining") this.#requestJoin();
      return;
    }
    if (rejected !== null) {
      const now = elapsed();
      this.#joinRejectedSince ??= now;
      // The one of before may be gone, and is not silent for long enough yet.
      if (rejected === "name_taken" && now - this.#joinRejectedSince < 2 * NODE_SILENCE_MS) {
        this.#joinRetryAt = now + LOG_REOPEN_DELAY_MS_MAX;
        this.#reason = `another node called ${identity.node} was there a moment ago: waiting whether it is gone`;
        return;
      }
      this.#halt(JOIN_REJECTIONS[rejected]?.(identity, this.#applier.membership) ?? `refused: ${rejected}`);
      return;
    }
    // Every hello of this run begins an incarnation; the last of them counts.
    this.#joinRejectedSince = null;
    this.#phase = "ready";
    this.#isFull(false);
    this.#leader_heard_at = elapsed();
    this.#reject(this.#proposals.rejoin(id), this.#unavailable());
  }

  #unavailable(): Failure {
    if (this.#reason === FULL_REASON) return FULL;
    const why = this.#reason === "" ? AWAY : this.#reason;
    return new Failure("UNAVAILABLE", `${why}: nothing was stored`);
  }

  #reject(calls: readonly ServerCall<WriterMethod>[], failure: Failure): void {
    for (const call of calls) this.#options.server.fail(call, failure);
    this.#options.server.flush();
  }

  #health(): Pick<ReplicaStatus, "state" | "reason"> {
    const reason = this.#reason;
    const now = this.#options.elapsed();
    if (this.#phase === "halted") return { state: "halted", reason };
    if (this.#full_since !== null && now - this.#full_since >= CUT_OFF_MS) return { state: "cut_off", reason };
    if (this.#phase === "ready" && !this.#serves) return { state: "catching_up", reason: "upgrading the cluster" };
    if (this.#phase === "ready") {
      // What is behind the last entry is foreign where nothing waits to be carried out.
      const reached = this.#applier.hasPending ? 0 : this.#foreign_id;
      const lag = this.#log_last - Math.max(this.#applier.state.position.id, reached);
      // What is in the log is not known before something of it has come again.
      const behind = this.#stalled_until !== null || this.#reading !== "on" || lag > NODE_LAG_ENTRIES_MAX;
      return { state: behind ? "catching_up" : "ok", reason };
    }
    if (this.#phase === "joining") return { state: "catching_up", reason };
    if (now - this.#reached_at >= CUT_OFF_MS) return { state: "cut_off", reason };
    return { state: this.#proposals.epoch > 0 ? "ok" : "catching_up", reason };
  }

  /** Tells of the node, where any of this is another than it was told last. */
  #publish(fields: readonly (keyof ReplicaStatus)[] = ACTED_ON): void {
    const { status } = this;
    const told = this.#published;
    if (told !== null && fields.every((field) => status[field] === told[field])) return;
    this.#published = status;
    this.#options.publish(status, this.now_ms, this.#phase === "ready" ? this.#clock.now() : 0);
  }
}

function supersededBy(applyVersion: number): string {
  return `the cluster has gone on to applyVersion ${applyVersion}: start a Koor that has them`;
}
