/** The server, with a full collection of the front's heap on each SIGUSR2. Runs in a process of its own. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { serveWith } from "./serve-with.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let collections = 0;

/** What a finished request holds is let go some turns later. */
async function report(): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  process.stderr.write(`collection ${collections++}: ${process.memoryUsage().heapUsed} bytes\n`);
}

process.on("SIGUSR2", () => void report());
await serveWith({});
