/**
 * Runs the join handshake of a node. At every start and after every lost session the node appends a join request to the
 * log. When the log has delivered that request and it was accepted, the node may append calls. The id of the accepted
 * request is the node's epoch. From then on every node rejects entries of the node's earlier epochs.
 *
 * A request is retried if the log had no room for it. It is also retried if another process used the node's name a
 * moment ago. That may be this node's previous process, which has ended without the other nodes' knowledge. Pure but
 * for its state.
 */
import { LOG_REOPEN_DELAY_MS_MAX, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import type { JoinRequest } from "./entry.js";
import type { Membership, RejectReason } from "./membership.js";

/** The properties that a node sends in its join request. */
export interface Identity {
  readonly node: string;
  /** Identifies the data directory. */
  readonly storeId: string;
  /** The id of this start of the writer thread. A restarted thread has another id. */
  readonly bootId: string;
  readonly version: string;
  /** The apply version of this program (schemas/version.ts). */
  readonly applyVersion: number;
  /** The settings that must be equal on every node, as one text (agreed-settings.ts). */
  readonly settings: string;
}

/** The result of a delivered join request of this node's name. */
export type JoinResult =
  | { readonly kind: "joined" }
  /** Another join was applied first, so this request is out of date. The node must append a new one at once. */
  | { readonly kind: "again" }
  /** The request was rejected, and the handshake retries by itself after a delay. */
  | { readonly kind: "retrying"; readonly reason: string }
  | { readonly kind: "halt"; readonly why: string }
  /** This is an earlier request of this node's name, and it changes nothing for this process. */
  | { readonly kind: "ignored" };

/** The text of the error for each reason of a rejection that makes the node halt. */
const REJECTIONS: Readonly<Partial<Record<RejectReason, (identity: Identity, membership: Membership) => string>>> = {
  name_taken: ({ node }) => `another node is called ${node}: give each its own --node-id`,
  settings: ({ settings }, membership) =>
    `settings differ from the cluster's: here ${settings}, there ${membership.settings}`,
};

export class JoinHandshake {
  readonly #identity: Identity;
  #sentAt = 0;
  #retryAt: number | null = null;
  /** When the first rejection since the last accepted request occurred, in ms; null if there was none. */
  #rejectedSince: number | null = null;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** When the last request was appended, in ms; null while a retry is scheduled. */
  get pendingSince(): number | null {
    return this.#retryAt === null ? this.#sentAt : null;
  }

  /** Cancels a scheduled retry, because the caller appends a new request at once. */
  restart(): void {
    this.#retryAt = null;
  }

  /** Returns the next join request. It replaces the epoch that `membership` has for this node. */
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

  /** Whether a scheduled retry is due. Each due retry is reported once. */
  takeRetry(now: number): boolean {
    if (this.#retryAt === null || now < this.#retryAt) return false;
    this.#retryAt = null;
    return true;
  }

  /**
   * Evaluates a join request of this node's name that the log has delivered.
   * @param epoch the node's current epoch; 0 while it has none
   */
  onApplied(
    { run: bootId }: JoinRequest,
    rejected: RejectReason | null,
    { membership, epoch, now }: { readonly membership: Membership; readonly epoch: number; readonly now: number },
  ): JoinResult {
    const { node } = this.#identity;
    if (bootId !== this.#identity.bootId) {
      // The request is from an earlier start of this node, or from another process that has taken over its name.
      if (rejected === null && epoch > 0) return { kind: "halt", why: `another process runs as node ${node}` };
      return { kind: "ignored" };
    }
    if (rejected === null) {
      this.#rejectedSince = null;
      return { kind: "joined" };
    }
    // Another request of this name was accepted first. This node has applied that request, so the next request can name
    // it in `replaces`.
    if (rejected === "old") return { kind: "again" };
    this.#rejectedSince ??= now;
    // The name may belong to a process that has ended but has not been silent for NODE_SILENCE_MS yet.
    if (rejected === "name_taken" && now - this.#rejectedSince < 2 * NODE_SILENCE_MS) {
      this.retryLater(now);
      return {
        kind: "retrying",
        reason: `another node called ${node} was active a moment ago: waiting to see whether it is gone`,
      };
    }
    return { kind: "halt", why: REJECTIONS[rejected]?.(this.#identity, membership) ?? `refused: ${rejected}` };
  }
}
