/** The entry point of the thread that takes or fetches one snapshot of a node's database. */
import { runSnapshotThread } from "../../src/cluster/snapshot-thread.js";

await runSnapshotThread();
