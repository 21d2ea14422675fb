/** What a node's writer says of the cluster. */
import * as Type from "typebox";
import { NodeState } from "../../schemas/cluster.js";
import type { Notice, PayloadOf } from "../rpc/method.js";

/** How the node is: after each commit, and where something has changed. */
export const NODE = {
  name: "node",
  payload: Type.Object({
    state: NodeState,
    reason: Type.String(),
    leader: Type.String(),
    term: Type.Integer({ minimum: 0 }),
    /** Whether this node leads, and can put calls into the log. */
    leads: Type.Boolean(),
    /** Id of the last entry that was carried out here. */
    position: Type.Integer({ minimum: 0 }),
    /** The newest id that the log was heard to have. */
    log_last: Type.Integer({ minimum: 0 }),
    /** The log's time in ms. */
    now_ms: Type.Integer({ minimum: 0 }),
    reopens: Type.Integer({ minimum: 0 }),
    fenced: Type.Integer({ minimum: 0 }),
    appends: Type.Integer({ minimum: 0 }),
    append_s: Type.Number({ minimum: 0 }),
    applied: Type.Integer({ minimum: 0 }),
    apply_s: Type.Number({ minimum: 0 }),
    /** How often the tables were replaced by a snapshot's. */
    installed: Type.Integer({ minimum: 0 }),
    /** What the log was found to be set up like, one line each. */
    warnings: Type.Array(Type.String()),
    /** Why this server cannot be a node of this cluster, as it is started; "" where it can. */
    refusal: Type.String(),
  }),
} as const satisfies Notice;
export type NodeNotice = PayloadOf<typeof NODE>;
