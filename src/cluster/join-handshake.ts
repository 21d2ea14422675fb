/**
 * Runs the join handshake of a node. At every start and after every lost session the node appends a join request to the
 * log. It may append calls once that request has come back through the log and was accepted. The id of the accepted
 * request is the node's epoch. After that request in the log, every node rejects entries of the node's earlier epochs.
 *
 * A request is retried if the log had no room for it. It is also retried if another process used the node's name a
 * moment ago: that may be a previous process of this node that has ended, which the other nodes do not know yet. Pure
 * but for its state.
 */
import { LOG_REOPEN_DELAY_MS_MAX, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import type { JoinRequest } from "./entry.js";
import type { Membership, RejectReason } from "./membership.js";

/** The properties by which a node introduces itself. */
export interface Identity {
  readonly node: string;
  /** Identifies the data directory. */
  readonly storeId: string;
  /** The id of this start of the writer thread. A thread that is started again gets another one. */
  readonly bootId: string;
  readonly version: string;
  /** The apply version of this program (schemas/version.ts). */
  readonly applyVersion: number;
  /** The settings that must be equal on every node, as one text (agreed-settings.ts). */
  readonly settings: string;
}

/** The result of a join request of this node's name that came back through the log. */
export type JoinResult =
  | { readonly kind: "joined" }
  /** Another join was applied first, so this request is out of date. The node must append a new one at once. */
  | { readonly kind: "again" }
  /** The request was rejected, and the handshake retries by itself after a delay. */
  | { readonly kind: "retrying"; readonly reason: string }
  | { readonly kind: "halt"; readonly why: string }
  /** The request is an earlier one of this name, and it changes nothing for this process. */
  | { readonly kind: "ignored" };

/** The reasons to halt after a join request was rejected, by the reason of the rejection. */
const REJECTIONS: Readonly<Partial<Record<RejectReason, (identity: Identity, membership: Membership) => string>>> = {
  name_taken: ({ node }) => `another node is called ${node}: give each its own --node-id`,
  settings: ({ settings }, membership) =>
    `settings differ from the cluster's: here ${settings}, there ${membership.settings}`,
};

export class JoinHandshake {
  readonly #identity: Identity;
  #sentAt = 0;
  #retryAt: number | null = null;
  /** When a request was first rejected since the last accepted one, in ms; null if none was. */
  #rejectedSince: number | null = null;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** When the last request was appended, in ms; null while the handshake waits for its next attempt. */
  get pendingSince(): number | null {
    return this.#retryAt === null ? this.#sentAt : null;
  }

  /** Cancels a scheduled retry, because the caller appends a new request at once. */
  restart(): void {
    this.#retryAt = null;
  }

  /** Returns the next join request. It replaces the epoch that the node has in `membership`. */
  request(membership: Membership, now: number): JoinRequest {
    const { node, storeId: store, bootId: run, version, settings } = this.#identity;
    this.#sentAt = now;
    const replaces = membership.nodes.get(node)?.incarnation ?? 0;
    return { kind: "hello", store, run, replaces, version, settings };
  }

  /** Schedules the next request after LOG_REOPEN_DELAY_MS_MAX. */
  retryLater(now: number): void {
    this.#retryAt = now + LOG_REOPEN_DELAY_MS_MAX;
  }

  /** Whether a scheduled retry is due. A retry that is due is reported only once. */
  takeRetry(now: number): boolean {
    if (this.#retryAt === null || now < this.#retryAt) return false;
    this.#retryAt = null;
    return true;
  }

  /**
   * Evaluates a join request of this node's name that came back through the log.
   * @param epoch the node's current epoch; 0 while it has none
   */
  onApplied(
    { run: bootId }: JoinRequest,
    rejected: RejectReason | null,
    { membership, epoch, now }: { readonly membership: Membership; readonly epoch: number; readonly now: number },
  ): JoinResult {
    const { node } = this.#identity;
    if (bootId !== this.#identity.bootId) {
      // The request was appended by a previous start, or by another process that has taken over the name.
      if (rejected === null && epoch > 0) return { kind: "halt", why: `another process runs as node ${node}` };
      return { kind: "ignored" };
    }
    if (rejected === null) {
      this.#rejectedSince = null;
      return { kind: "joined" };
    }
    // Another request of this name was accepted first. This node has applied it by now, so the next request can name it
    // in `replaces`.
    if (rejected === "old") return { kind: "again" };
    this.#rejectedSince ??= now;
    // The previous process of that name may have ended, but it has not been silent for NODE_SILENCE_MS yet.
    if (rejected === "name_taken" && now - this.#rejectedSince < 2 * NODE_SILENCE_MS) {
      this.retryLater(now);
      return {
        kind: "retrying",
        reason: `another node called ${node} was there a moment ago: waiting whether it is gone`,
      };
    }
    return { kind: "halt", why: REJECTIONS[rejected]?.(this.#identity, membership) ?? `refused: ${rejected}` };
  }
}
