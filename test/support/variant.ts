/**
 * The variant of a test run: the transport of its servers, and whether they are nodes of a cluster. The runner sets
 * environment variables for it (test/run-tests.ts).
 */

/** The transport of the run: `auto`, `uws` or `node`. */
export const TRANSPORT = process.env["KOOR_TEST_TRANSPORT"] ?? "auto";

/**
 * The log of the run, if its servers are nodes. `nats`, `postgres`: each server is a cluster of one node. `nats-led`,
 * `postgres-led`: each server is the follower of another node, whose only purpose is to lead. "": the servers are no
 * nodes.
 */
export const CLUSTER = process.env["KOOR_TEST_CLUSTER"] ?? "";
const FOLLOWER_ENDING = "-led";
/** Whether another node, which the test does not see, is the leader and runs the background work. */
export const IS_FOLLOWER = CLUSTER.endsWith(FOLLOWER_ENDING);
/** The kind of log, both for leaders and for followers. */
export const CLUSTER_LOG = IS_FOLLOWER ? CLUSTER.slice(0, -FOLLOWER_ENDING.length) : CLUSTER;

/** For tap's `skip` of tests that restore: the reason why runs with nodes skip them, or false. */
export const RESTORE_REFUSED = CLUSTER === "" ? false : "a node restores nothing";

/** For tap's `skip` of behaviour that a node of a cluster does not have: the reason, or false. */
export function singleServerOnly(why: string): string | false {
  return CLUSTER === "" ? false : `not in a cluster: ${why}`;
}
