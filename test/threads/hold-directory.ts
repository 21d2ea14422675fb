/**
 * Claims the data directory in its argument, drops the reference to the lock, reports that, and holds the lock until it
 * is killed.
 */
import { claimDataDir } from "../../src/platform/store/data-dir.js";
import { collectGarbage } from "../support/collect-garbage.js";

claimDataDir(process.argv[2] ?? "");
collectGarbage();
// The system resources of a collected object are released in a later tick.
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write("held\n");
process.stdin.resume();
