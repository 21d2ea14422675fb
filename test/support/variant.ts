/**
 * What a run of tests is about beside the tests: over which transport its servers answer, and whether they are nodes.
 * The runner says so by the environment (test/run-tests.ts).
 */

/** The transport that a run of tests is about: `auto`, `uws` or `node`. */
export const TRANSPORT = process.env["KOOR_TEST_TRANSPORT"] ?? "auto";

/**
 * The log over which the servers of a run are nodes, each a cluster of one: `nats` or `postgres`; "" for servers alone.
 * `nats-led` and `postgres-led`: each follows another node, which is there for nothing but to lead.
 */
export const CLUSTER = process.env["KOOR_TEST_CLUSTER"] ?? "";
const FOLLOWER_ENDING = "-led";
/** What one node does for all is then done by a node that the test does not see. */
export const IS_FOLLOWER = CLUSTER.endsWith(FOLLOWER_ENDING);
/** The log of them all. */
export const CLUSTER_LOG = IS_FOLLOWER ? CLUSTER.slice(0, -FOLLOWER_ENDING.length) : CLUSTER;

/** For tap's `skip`, of tests that restore: why a run in which servers are nodes leaves them out, or false. */
export const RESTORE_REFUSED = CLUSTER === "" ? false : "a node restores nothing";

/** For tap's `skip`: the word for what a node of a cluster does not do, else false. */
export function singleServerOnly(why: string): string | false {
  return CLUSTER === "" ? false : `not in a cluster: ${why}`;
}
