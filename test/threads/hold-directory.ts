/** Claims the data directory named on its command line, says so, and holds it until it is killed. */
import { claimDataDir } from "../../src/store/data-dir.js";

claimDataDir(process.argv[2] ?? "");
process.stdout.write("held\n");
process.stdin.resume();
