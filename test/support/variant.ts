/**
 * The variant of a test run: the transport of its servers, and whether they are nodes of a cluster. The runner sets it
 * in the environment (test/run-tests.ts).
 */

/** The transport of the run: `auto`, `uws` or `node`. */
export const TRANSPORT = process.env["KOOR_TEST_TRANSPORT"] ?? "auto";

/**
 * The log over which the servers of a run are nodes, each a cluster of one: `nats` or `postgres`; "" for servers
 * without a cluster. `nats-led` and `postgres-led`: each is the follower of another node, whose only purpose is to
 * lead.
 */
export const CLUSTER = process.env["KOOR_TEST_CLUSTER"] ?? "";
const FOLLOWER_ENDING = "-led";
/** Whether a node that the test does not see is leader, and runs background work. */
export const IS_FOLLOWER = CLUSTER.endsWith(FOLLOWER_ENDING);
/** The kind of log, whether the servers are leaders or followers. */
export const CLUSTER_LOG = IS_FOLLOWER ? CLUSTER.slice(0, -FOLLOWER_ENDING.length) : CLUSTER;

/** For tap's `skip` of tests that restore: the reason why runs with nodes leave them out, or false. */
export const RESTORE_REFUSED = CLUSTER === "" ? false : "a node restores nothing";

/** For tap's `skip` of what a node of a cluster does not do: the reason, or false. */
export function singleServerOnly(why: string): string | false {
  return CLUSTER === "" ? false : `not in a cluster: ${why}`;
}
