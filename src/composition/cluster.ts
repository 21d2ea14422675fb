/**
 * Creates the front's part of a cluster node, if the server is one. Also decides whether background work runs on this
 * server.
 */
import { ClusterFront } from "../cluster/front.js";
import { clusterReader } from "../cluster/table.js";
import type { Ground } from "./ground.js";

export interface ClusterArea {
  /** The front's part of a node; null on a single server. */
  readonly front: ClusterFront | null;
  /** Returns whether background work runs on this server. In a cluster it runs only on the leader. */
  readonly leads: () => boolean;
  /** Returns whether no other node of the cluster is alive. Then no other node can have seen an agent lately. */
  readonly alone: () => boolean;
  /**
   * Runs a read barrier: calls `done` when this node has applied every entry that is in the log now. Null on a single
   * server.
   */
  readonly readBarrier: ((done: () => void) => void) | null;
}

export interface ClusterHooks {
  /** Called when this node becomes the leader, and when it stops being the leader. */
  readonly onLeading: (leads: boolean) => void;
  /** Called after a snapshot has replaced the tables of the database. */
  readonly onInstalled: () => void;
}

export function makeCluster({ config, clock, log, threads }: Ground, hooks: ClusterHooks): ClusterArea {
  const { appliedPosition, reads } = threads;
  const front =
    config.cluster === ""
      ? null
      : new ClusterFront({
          cluster: config,
          reader: reads.model(clusterReader),
          visible: appliedPosition,
          log,
          now: () => clock.now(),
          onTime: (logMs, rate) => clock.follow(logMs, rate),
          ...hooks,
        });
  return {
    front,
    leads: () => front?.isLeader ?? true,
    alone: () => front?.hasNoLivePeers ?? true,
    readBarrier: front === null ? null : (done) => front.readBarrier(done),
  };
}
