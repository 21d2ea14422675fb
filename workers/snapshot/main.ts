/** Entry of the thread that makes or installs one snapshot of a node. */
import { runSnapshotThread } from "../../src/cluster/snapshot-thread.js";

await runSnapshotThread();
