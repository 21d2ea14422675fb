/**
 * What the nodes of a cluster agree on beside the content: who they are, whose entries count, who leads, what has to be
 * the same everywhere. It follows from the entries alone, so every node comes to the same; a step makes a new value,
 * and whoever carries out an entry keeps it with the entry's own effect, or not at all. Pure.
 */
import { NODE_FORGOTTEN_MS, NODE_SILENCE_MS } from "../../schemas/limits.js";
import type { Entry, EntryHead, JoinRequest } from "./entry.js";

/** A node as all of them know it. */
export interface Node {
  readonly node: string;
  /** Which data directory it has. */
  readonly store: string;
  /** Which start of it has said hello last. */
  readonly run: string;
  readonly version: string;
  /** Id of its last hello: what was appended under another one does not count. */
  readonly incarnation: number;
  /** Number of its last entry since. */
  readonly number: number;
  /** The log's time when it was heard of last. */
  readonly heard_at: number;
  /** How far it had carried out the log then. */
  readonly position: number;
}

export interface Membership {
  /** The log's time in ms: that of the last entry, and never less than that of one before. */
  readonly now_ms: number;
  /** Which commands count. */
  readonly applyVersion: number;
  readonly settings: string;
  /** How often somebody began to lead. */
  readonly term: number;
  /** Who leads; "" before anybody does. */
  readonly leader: string;
  readonly nodes: ReadonlyMap<string, Node>;
}

/** Why an entry has no effect. */
export type RejectReason =
  /** Of a node that has begun anew, or was never let in; the same one a second time; or a hello that came too late. */
  | "old"
  /** Another data directory has this node's name, and was heard of lately. */
  | "name_taken"
  /** Its settings are not the cluster's. */
  | "settings"
  /** It is of a program with other commands. */
  | "commands"
  /** Somebody else leads by now. */
  | "term";

/** What becomes of an entry, whatever it asks. */
export interface Step {
  readonly membership: Membership;
  /** Null where it counts. */
  readonly rejected: RejectReason | null;
}

/** The membership before the first hello. */
export function initialMembership(now_ms: number, applyVersion: number, settings: string): Membership {
  return { now_ms, applyVersion, settings, term: 0, leader: "", nodes: new Map() };
}

/** What an entry comes to. */
export function advance(before: Membership, { head, content }: Entry, id: number): Step {
  const timed = { ...before, now_ms: Math.max(before.now_ms, head.at) };
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
    heard_at: timed.now_ms,
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

function rejectJoin({ nodes, settings, now_ms }: Membership, head: EntryHead, hello: JoinRequest): RejectReason | null {
  const known = nodes.get(head.node);
  if (known !== undefined && known.store !== hello.store && now_ms - known.heard_at < NODE_SILENCE_MS)
    return "name_taken";
  if ((known?.incarnation ?? 0) !== hello.replaces) return "old";
  return hello.settings === settings ? null : "settings";
}

function admit(before: Membership, head: EntryHead, { store, run, version }: JoinRequest, id: number): Membership {
  const node = { node: head.node, store, run, version, incarnation: id, number: 0, heard_at: before.now_ms };
  const nodes = new Map([...before.nodes].filter(([, { heard_at }]) => before.now_ms - heard_at < NODE_FORGOTTEN_MS));
  return withNode({ ...before, nodes }, { ...node, position: head.position });
}

function withNode(before: Membership, node: Node): Membership {
  return { ...before, nodes: new Map(before.nodes).set(node.node, node) };
}
