/** Defines the status of a node that the writer publishes to the front. */
import * as Type from "typebox";
import { NodeState } from "../../schemas/cluster.js";
import type { PushMessage, PayloadOf } from "../platform/rpc/method.js";

/** The push message with the node's status. The writer publishes it after each commit and after every change. */
export const NODE_STATUS = {
  name: "node",
  payload: Type.Object({
    state: NodeState,
    /** Why the node is not healthy, as one line; "" if there is nothing to report. */
    reason: Type.String(),
    leader: Type.String(),
    term: Type.Integer({ minimum: 0 }),
    /** Whether this node is the leader and can append calls to the log. */
    isLeader: Type.Boolean(),
    /** The id of the last entry that this node has applied. */
    position: Type.Integer({ minimum: 0 }),
    /** The id of the newest entry that the log is known to have. */
    log_last: Type.Integer({ minimum: 0 }),
    /** The log's time at the newest entry, in ms. */
    nowMs: Type.Integer({ minimum: 0 }),
    /** The rate at which the log's time advances, relative to real time: 1, or LOG_CLOCK_SLOW_RATE. */
    clockRate: Type.Number({ minimum: 0 }),
    /** How often the connection to the log was lost or could not be opened. */
    reopens: Type.Integer({ minimum: 0 }),
    /** The number of this node's entries that were rejected because the node had already begun a newer epoch. */
    fenced: Type.Integer({ minimum: 0 }),
    /** The number of messages that were skipped because no node has appended them. */
    foreign: Type.Integer({ minimum: 0 }),
    /**
     * The number of this node's entries that the log has delivered. `append_s` is the sum of their times from append to
     * delivery, in s.
     */
    appends: Type.Integer({ minimum: 0 }),
    append_s: Type.Number({ minimum: 0 }),
    /** The number of entries that were applied. `apply_s` is the time spent on them, in s. */
    applied: Type.Integer({ minimum: 0 }),
    apply_s: Type.Number({ minimum: 0 }),
    /** How often a snapshot was installed. */
    installed: Type.Integer({ minimum: 0 }),
    /** Warnings about the set-up of the log, one line each. */
    warnings: Type.Array(Type.String()),
    /** Why the settings or the data of this server do not allow it to join the cluster; "" if they do. */
    refusal: Type.String(),
  }),
} as const satisfies PushMessage;
export type NodeStatus = PayloadOf<typeof NODE_STATUS>;

/** The fields of the node's status that the replica knows. */
export type ReplicaStatus = Omit<NodeStatus, "nowMs" | "clockRate" | "installed" | "warnings" | "refusal">;

/** The status that the front assumes until the writer publishes the first status. */
export const STARTING: NodeStatus = {
  state: "catching_up",
  reason: "starting",
  leader: "",
  term: 0,
  isLeader: false,
  position: 0,
  log_last: 0,
  nowMs: 0,
  clockRate: 1,
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
