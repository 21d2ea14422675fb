/** Claims the data directory named on its command line, forgets that, says so, and holds it until it is killed. */
import { claimDataDir } from "../../src/store/data-dir.js";
import { collectGarbage } from "../support/collect-garbage.js";

claimDataDir(process.argv[2] ?? "");
collectGarbage();
// What a collection frees of the system's is let go in a later turn.
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write("held\n");
process.stdin.resume();
