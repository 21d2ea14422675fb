/**
 * Sends this node's entries to the log. Usually it appends an entry directly. While other nodes write too, a follower
 * forwards its entries of calls to the leader. The leader puts entries of several nodes into one message (bundler.ts).
 *
 * If the log does not deliver a forwarded entry in time, the follower appends the entry itself under the same number.
 * The log may then hold the entry twice, and every node rejects the second copy. Runs in the writer thread.
 */
import { FORWARD_BYTES_MAX } from "../../schemas/limits/cluster.js";
import { must } from "../base/assert.js";
import type { Appended, LogSession } from "./log/ordered-log.js";
import { BUNDLE_APPLY_VERSION_MIN, encodeBundle } from "./bundle.js";
import { Bundler, type BundledEntry, type Flight } from "./bundler.js";
import type { EntryHead } from "./entry.js";
import { readCallsHead } from "./entry.js";
import { Forwarding, type Forwarded } from "./forwarding.js";
import type { Identity } from "./join-handshake.js";
import type { Membership } from "./membership.js";
import type { Proposal, Proposals } from "./proposals.js";

export interface EntrySenderOptions {
  readonly identity: Pick<Identity, "node" | "applyVersion">;
  readonly proposals: Pick<Proposals, "inFlight" | "isInFlight">;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  /** Runs a function after a delay in ms. */
  readonly later: (run: () => void, ms: number) => void;
  readonly membership: () => Membership;
  /** The session to append to; null while the node must not append. */
  readonly session: () => LogSession | null;
  readonly isLeader: () => boolean;
  readonly isFull: () => boolean;
  /**
   * Reports the outcome of an append.
   * @param proposal this node's entry that was appended; null if the message held only entries of other nodes
   */
  readonly appended: (outcome: Appended, proposal: Proposal | null) => void;
}

export class EntrySender {
  readonly #options: EntrySenderOptions;
  readonly #bundler = new Bundler();
  readonly #forwarding = new Forwarding();
  #isCopied = false;
  #isLingering = false;

  constructor(options: EntrySenderOptions) {
    this.#options = options;
  }

  /** Whether the entry in flight was forwarded and then also appended by this node. The log may then hold it twice. */
  get isCopied(): boolean {
    return this.#isCopied;
  }

  /** When the bundle in flight was appended, in ms; null if no bundle is in flight. */
  get bundleSince(): number | null {
    return this.#bundler.flight?.since ?? null;
  }

  /**
   * Sends an entry of this node. It adds the entry to the next bundle, forwards it to the leader, or appends it to the
   * log.
   */
  send(session: LogSession, proposal: Proposal, bytes: Uint8Array): void {
    this.#isCopied = false;
    if (proposal.calls === null || !this.#canBundle(session)) this.#append(session, proposal, bytes);
    else if (this.#options.isLeader()) {
      this.#bundler.add({ head: proposal, bytes });
      this.flush();
    } else this.#forward(session, proposal, bytes);
  }

  /** Receives an entry that another node has forwarded to this node. */
  receive(session: LogSession, bytes: Uint8Array): void {
    const { identity, membership } = this.#options;
    if (!this.#canBundle(session)) return;
    const head = readCallsHead(bytes);
    // Ignore a message that is not an entry of another node. Below, ignore an entry of an earlier epoch, which every
    // node would reject.
    if (head === null || head.node === identity.node) return;
    if (membership().nodes.get(head.node)?.incarnation !== head.epoch) return;
    // Copy the bytes, because they may be in the connection's buffer, which the library reuses.
    this.#bundler.add({ head, bytes: new Uint8Array(bytes) });
    this.flush();
  }

  /**
   * Appends the bundled entries as one message, unless a message is in flight. If the bundler still waits for more
   * entries, the append follows later.
   */
  flush(): void {
    const { session: sessionNow, elapsed, membership } = this.#options;
    const session = sessionNow();
    if (session === null) return;
    const now = elapsed();
    const lingerMs = this.#bundler.lingerMs(now);
    if (lingerMs === null) return;
    if (lingerMs > 0) {
      this.#linger(lingerMs);
      return;
    }
    const flight = this.#bundler.take(now);
    const entries = flight.entries.map(({ bytes }) => bytes);
    const [only] = entries;
    const bytes =
      entries.length === 1 ? must(only, "a bundle has entries") : encodeBundle(entries, membership().applyVersion);
    session.append(bytes, (outcome) => {
      if (this.#bundler.flight === flight) this.#onBundleAppended(flight, outcome);
    });
  }

  /**
   * Appends this node's entry directly if it was forwarded and the log has not delivered it in time.
   * @param readingSince when the delivery of the log was last resumed, in ms. The time before that does not count,
   * because a paused log delivers no entries
   */
  appendOverdue(now: number, readingSince: number): void {
    this.#appendForwarded(this.#forwarding.overdue(now, readingSince), true);
  }

  /**
   * Records an entry that the log has delivered. If the entry belongs to the bundle in flight, the next bundle may be
   * sent.
   */
  onApplied(head: EntryHead, now: number): void {
    this.#bundler.landed(head, now);
  }

  /** Records that an entry of the leader was accepted. This proves that the leader works, so forwarding may resume. */
  noteLeader(now: number): void {
    this.#forwarding.noteLeader(now);
  }

  /** Records that calls of another node were accepted. This node forwards only while other nodes write too. */
  noteRemoteCalls(): void {
    this.#forwarding.noteRemoteCalls();
  }

  /** Records that the entry in flight was applied or rejected, so that it is not appended again. */
  settle(): void {
    this.#forwarding.end();
  }

  /** Forgets the bundled entries and the forwarded entry, because the node joins again. */
  clear(): void {
    this.#bundler.clear();
    this.#forwarding.end();
  }

  /**
   * Whether entries of several nodes may share a message now. All nodes must be able to read bundles, and the log must
   * have room.
   */
  #canBundle({ channel }: LogSession): boolean {
    const { identity, isFull } = this.#options;
    return channel !== null && identity.applyVersion >= BUNDLE_APPLY_VERSION_MIN && !isFull();
  }

  #append(session: LogSession, proposal: Proposal, bytes: Uint8Array): void {
    const { proposals, appended } = this.#options;
    session.append(bytes, (outcome) => {
      if (proposals.inFlight === proposal) appended(outcome, proposal);
    });
  }

  /** Forwards an entry of this node to the leader. Appends it directly if forwarding is impossible or does not pay. */
  #forward(session: LogSession, proposal: Proposal, bytes: Uint8Array): void {
    const { elapsed, membership } = this.#options;
    const { channel } = session;
    const { leader } = membership();
    const now = elapsed();
    if (
      channel === null ||
      leader === "" ||
      !this.#forwarding.shouldForward(now) ||
      bytes.byteLength > Math.min(FORWARD_BYTES_MAX, channel.bytesMax)
    ) {
      this.#append(session, proposal, bytes);
      return;
    }
    this.#forwarding.begin(proposal, bytes, now);
    channel.send(leader, bytes, () => this.#appendForwarded(this.#forwarding.undelivered(proposal, elapsed()), false));
  }

  /**
   * Appends an entry of this node directly, after it was forwarded. The entry keeps its number.
   * @param isCopied true if the leader may append the entry too
   */
  #appendForwarded(forwarded: Forwarded | null, isCopied: boolean): void {
    const session = this.#options.session();
    if (forwarded === null || session === null) return;
    const { proposal, bytes } = forwarded;
    if (this.#options.proposals.inFlight !== proposal) return;
    this.#isCopied = isCopied;
    this.#append(session, proposal, bytes);
  }

  #linger(ms: number): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    this.#options.later(() => {
      this.#isLingering = false;
      this.flush();
    }, ms);
  }

  /**
   * Handles the outcome of a bundle's append. After a failed append, each other node appends its own entry. So this
   * method handles only this node's entry, which is in this bundle or queued for the next bundle.
   */
  #onBundleAppended({ entries }: Flight, outcome: Appended): void {
    const { proposals, appended } = this.#options;
    if (outcome === "stored") {
      appended("stored", null);
      return;
    }
    const session = this.#options.session();
    const proposal = proposals.inFlight;
    const isOwn = ({ head }: BundledEntry): boolean => proposals.isInFlight(head);
    const waiting = this.#bundler.clear().find(isOwn);
    if (proposal !== null && entries.some(isOwn)) appended(outcome, proposal);
    else if (outcome === "unknown") appended("unknown", null);
    else if (proposal !== null && waiting !== undefined && session !== null)
      this.#append(session, proposal, waiting.bytes);
  }
}
