/**
 * Computes the replicated membership: the nodes, their epochs, the leader, the apply version and the settings. It
 * depends only on the log, so every node computes the same membership. `advance` returns the membership after an entry.
 * The transaction that applies the entry also stores this membership. Pure.
 */
import { NODE_FORGOTTEN_MS, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import type { Entry, EntryHead, JoinRequest } from "./entry.js";

/** A node as the membership describes it. Each node is a row of the table `cluster_node`. */
export interface Node {
  readonly node: string;
  /** The id of the node's data directory. */
  readonly store: string;
  /**
   * Identifies one run of the node's writer thread. Each start of the thread gets a new id; this is the latest run that
   * joined.
   */
  readonly run: string;
  readonly version: string;
  /** The node's epoch: the id of its latest accepted join request. Entries of an earlier epoch are rejected. */
  readonly incarnation: number;
  /** The number of the node's latest entry. Numbers begin at 1 in each epoch. */
  readonly number: number;
  /** The log's time at the node's latest entry, in ms. */
  readonly heard_at: number;
  /** The position that the node had applied when it appended its latest entry. */
  readonly position: number;
}

export interface Membership {
  /** The log's time at the latest entry, in ms. It never goes back. */
  readonly nowMs: number;
  /** The cluster's apply version. Entries of other versions are rejected, except for join requests and upgrades. */
  readonly applyVersion: number;
  readonly settings: string;
  /** The number of the current leader's election. It grows by 1 whenever a node becomes the leader. */
  readonly term: number;
  /** The name of the leader; "" before the first election. */
  readonly leader: string;
  readonly nodes: ReadonlyMap<string, Node>;
}

/** Why an entry is rejected. The values are part of the state hash, so they never change. */
export type RejectReason =
  /**
   * The entry belongs to an earlier epoch or to a node that has not joined, or it is a second copy. A join request gets
   * this reason if its `replaces` is not the node's current epoch.
   */
  | "old"
  /** Another node with the same name, but another data directory, has appended an entry recently. */
  | "name_taken"
  /** The settings of the node differ from the settings of the cluster. */
  | "settings"
  /** The apply version of the entry is not the cluster's, or the entry upgrades to a version that is not newer. */
  | "commands"
  /** Another node has become the leader since the candidacy was appended. */
  | "term";

/** The effect of an entry on the membership. It does not depend on the answers to the entry's calls. */
export interface Step {
  readonly membership: Membership;
  /** Why the entry is rejected; null if it is accepted. */
  readonly rejected: RejectReason | null;
}

/** Returns the membership of a new cluster, before the first join request. */
export function initialMembership(nowMs: number, applyVersion: number, settings: string): Membership {
  return { nowMs, applyVersion, settings, term: 0, leader: "", nodes: new Map() };
}

/**
 * Applies an entry to the membership.
 * @param id the position of the entry in the log
 */
export function advance(before: Membership, { head, content }: Entry, id: number): Step {
  const timed = { ...before, nowMs: Math.max(before.nowMs, head.at) };
  if (content.kind === "hello") {
    const rejected = rejectJoin(timed, head, content);
    return rejected === null
      ? { membership: admit(timed, head, content, id), rejected }
      : { membership: before, rejected };
  }
  const known = before.nodes.get(head.node);
  if (known === undefined || known.incarnation !== head.epoch || known.number + 1 !== head.number)
    return { membership: before, rejected: "old" };
  const heard = withNode(timed, {
    ...known,
    number: head.number,
    heard_at: timed.nowMs,
    position: Math.max(known.position, head.position),
  });
  if (content.kind === "upgrade") {
    if (content.to <= before.applyVersion) return { membership: heard, rejected: "commands" };
    return { membership: { ...heard, applyVersion: content.to }, rejected: null };
  }
  if (head.applyVersion !== before.applyVersion) return { membership: heard, rejected: "commands" };
  if (content.kind !== "candidacy") return { membership: heard, rejected: null };
  if (content.term !== before.term) return { membership: heard, rejected: "term" };
  return { membership: { ...heard, term: before.term + 1, leader: head.node }, rejected: null };
}

function rejectJoin({ nodes, settings, nowMs }: Membership, head: EntryHead, hello: JoinRequest): RejectReason | null {
  const known = nodes.get(head.node);
  if (known !== undefined && known.store !== hello.store && nowMs - known.heard_at < NODE_SILENCE_MS)
    return "name_taken";
  if ((known?.incarnation ?? 0) !== hello.replaces) return "old";
  return hello.settings === settings ? null : "settings";
}

function admit(before: Membership, head: EntryHead, { store, run, version }: JoinRequest, id: number): Membership {
  const node = { node: head.node, store, run, version, incarnation: id, number: 0, heard_at: before.nowMs };
  const nodes = new Map([...before.nodes].filter(([, { heard_at }]) => before.nowMs - heard_at < NODE_FORGOTTEN_MS));
  return withNode({ ...before, nodes }, { ...node, position: head.position });
}

function withNode(before: Membership, node: Node): Membership {
  return { ...before, nodes: new Map(before.nodes).set(node.node, node) };
}
