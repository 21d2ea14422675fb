/** The thread of one snapshot of a node. */
import { runSnapshotThread } from "../../src/cluster/snapshot-thread.js";

await runSnapshotThread();
