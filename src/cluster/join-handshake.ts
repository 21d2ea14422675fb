/**
 * Runs the join handshake of a node. At every start and after every lost session, the node appends a join request to
 * the log. When the log delivers the request and it is accepted, the node may append calls. The id of the accepted
 * request becomes the node's epoch. From then on, every node rejects entries of the node's earlier epochs.
 *
 * A request is retried if the log had no room for it. It is also retried if another process was active under the node's
 * name a moment ago. That process may be this node's previous process, whose end the other nodes have not noticed yet.
 * Pure but for its state.
 */
import { LOG_REOPEN_DELAY_MS_MAX, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import type { JoinRequest } from "./entry.js";
import type { Membership, RejectReason } from "./membership.js";

/** The properties that a node sends in its join request. */
export interface Identity {
  readonly node: string;
  /** Identifies the data directory. */
  readonly storeId: string;
  /** Identifies one run of the writer thread. A restarted thread gets a new id. */
  readonly bootId: string;
  readonly version: string;
  /** The apply version of this program (schemas/version.ts). */
  readonly applyVersion: number;
  /** The settings that must be equal on every node, as one text (agreed-settings.ts). */
  readonly settings: string;
}

/** The effect that a delivered join request has on this node. The request has this node's name. */
export type JoinResult =
  | { readonly kind: "joined" }
  /**
   * Another join request was applied first, so this request is out of date. The node must append a new request at once.
   */
  | { readonly kind: "again" }
  /** The request was rejected, and the handshake retries by itself after a delay. */
  | { readonly kind: "retrying"; readonly reason: string }
  | { readonly kind: "halt"; readonly why: string }
  /** The request is from an earlier process of this node, and changes nothing for this process. */
  | { readonly kind: "ignored" };

/** The error texts of the rejections that make the node halt. */
const REJECTIONS: Readonly<Partial<Record<RejectReason, (identity: Identity, membership: Membership) => string>>> = {
  name_taken: ({ node }) => `another node is called ${node}: give each its own --node-id`,
  settings: ({ settings }, membership) =>
    `settings differ from the cluster's: here ${settings}, there ${membership.settings}`,
};

export class JoinHandshake {
  readonly #identity: Identity;
  #sentAt = 0;
  #retryAt: number | null = null;
  /** The time in ms of the first rejection since the last accepted request; null if no request was rejected. */
  #rejectedSince: number | null = null;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** When the latest request was appended, in ms; null while a retry is scheduled. */
  get pendingSince(): number | null {
    return this.#retryAt === null ? this.#sentAt : null;
  }

  /** Cancels a scheduled retry, because the caller is about to append a new request. */
  restart(): void {
    this.#retryAt = null;
  }

  /** Returns the next join request. It replaces the node's epoch in `membership`. */
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
   * Handles a join request of this node's name that the log has delivered.
   * @param epoch the node's current epoch; 0 while it has none
   */
  onApplied(
    { run: bootId }: JoinRequest,
    rejected: RejectReason | null,
    { membership, epoch, now }: { readonly membership: Membership; readonly epoch: number; readonly now: number },
  ): JoinResult {
    const { node } = this.#identity;
    if (bootId !== this.#identity.bootId) {
      // The request is from an earlier process of this node, or from a process that has taken over its name.
      if (rejected === null && epoch > 0) return { kind: "halt", why: `another process runs as node ${node}` };
      return { kind: "ignored" };
    }
    if (rejected === null) {
      this.#rejectedSince = null;
      return { kind: "joined" };
    }
    // Another request of this name was accepted first. This node has applied it by now, so the next request can replace
    // its epoch.
    if (rejected === "old") return { kind: "again" };
    this.#rejectedSince ??= now;
    // The name may still belong to a process that has just ended. It becomes free after NODE_SILENCE_MS without an
    // entry.
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
