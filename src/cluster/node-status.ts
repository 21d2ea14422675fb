/** What a node's writer says of the cluster. */
import * as Type from "typebox";
import { NodeState } from "../../schemas/cluster.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** How the node is: after each commit, and where something has changed. */
export const NODE_STATUS = {
  name: "node",
  payload: Type.Object({
    state: NodeState,
    /** One line; "" where there is nothing to say. */
    reason: Type.String(),
    leader: Type.String(),
    term: Type.Integer({ minimum: 0 }),
    /** Whether this node leads, and can put calls into the log. */
    isLeader: Type.Boolean(),
    /** Id of the last entry that was carried out here. */
    position: Type.Integer({ minimum: 0 }),
    /** The newest id that the log was heard to have. */
    log_last: Type.Integer({ minimum: 0 }),
    /** The log's time in ms: that of the newest entry. */
    now_ms: Type.Integer({ minimum: 0 }),
    /** What it is by now, as the writer reckons it; 0 while it cannot know it. */
    clock_ms: Type.Integer({ minimum: 0 }),
    /** How often the connection to the log was opened anew. */
    reopens: Type.Integer({ minimum: 0 }),
    /** Own entries that were void since they came too late. */
    fenced: Type.Integer({ minimum: 0 }),
    /** How many messages of the log were passed over since no node has appended them. */
    foreign: Type.Integer({ minimum: 0 }),
    /** How many own entries have come back, and how many seconds from their appending that was. */
    appends: Type.Integer({ minimum: 0 }),
    append_s: Type.Number({ minimum: 0 }),
    /** How many entries were carried out, and how many seconds that took. */
    applied: Type.Integer({ minimum: 0 }),
    apply_s: Type.Number({ minimum: 0 }),
    /** How often the tables were replaced by a snapshot's. */
    installed: Type.Integer({ minimum: 0 }),
    /** What the log was found to be set up like, one line each. */
    warnings: Type.Array(Type.String()),
    /** Why this server cannot be a node of this cluster, as it is started; "" where it can. */
    refusal: Type.String(),
  }),
} as const satisfies PushMessage;
export type NodeStatus = PayloadOf<typeof NODE_STATUS>;

/** What of it the replica knows. */
export type ReplicaStatus = Omit<NodeStatus, "now_ms" | "clock_ms" | "installed" | "warnings" | "refusal">;

/** Before anything is known. */
export const STARTING: NodeStatus = {
  state: "catching_up",
  reason: "starting",
  leader: "",
  term: 0,
  isLeader: false,
  position: 0,
  log_last: 0,
  now_ms: 0,
  clock_ms: 0,
  reopens: 0,
  fenced: 0,
  foreign: 0,
  appends: 0,
  append_s: 0,
  applied: 0,
  apply_s: 0,
  installed: 0,
  warnings: [],
  refusal: "",
};
