/** Defines the shapes of docs/http-api.md "Clusters". */
import * as Type from "typebox";

/**
 * The states of a node. A node in `catching_up` lags behind the log. A node in `cut_off` has no connection to the log.
 * A `halted` node stays halted until an operator acts.
 */
export const NODE_STATES = ["ok", "catching_up", "cut_off", "halted"] as const;
export const NodeState = Type.Enum([...NODE_STATES]);

const Position = Type.Integer({ minimum: 0, description: "Id of an entry of the cluster's log." });

/** The part of the answer of `/health` that describes a node. */
export const NodeHealth = Type.Object({
  node: Type.String(),
  leader: Type.String({ description: "Empty until the cluster has a leader." }),
  position: Position,
  log_last: Position,
  state: NodeState,
  reason: Type.String(),
});

/** The state of one node of a cluster, as far as the answering node knows it. */
export const ClusterNodeView = Type.Object({
  node: Type.String(),
  leader: Type.Boolean(),
  position: Position,
  lag: Type.Integer({ minimum: 0, description: "Entries that the node has not applied yet." }),
  version: Type.String(),
  last_heard: Type.String({ format: "date-time" }),
  state: Type.Enum([...NODE_STATES, "silent"]),
});

export const ClusterView = Type.Object({
  cluster: Type.String(),
  node: Type.String(),
  leader: Type.String(),
  term: Type.Integer({ minimum: 0 }),
  position: Position,
  log_last: Position,
  state: NodeState,
  reason: Type.String(),
  warnings: Type.Array(Type.String(), { description: "Warnings about the settings of the log." }),
  nodes: Type.Array(ClusterNodeView),
});
