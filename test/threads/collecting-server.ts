/** The server, with a full collection of the front's heap at each SIGUSR2. Runs in a process of its own. */
import { collectGarbage } from "../support/collect-garbage.js";
import { serveWith } from "./serve-with.js";

let collections = 0;

/** The objects of a finished request are released some ticks later. */
async function report(): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
  }
  process.stderr.write(`collection ${collections++}: ${process.memoryUsage().heapUsed} bytes\n`);
}

process.on("SIGUSR2", () => void report());
await serveWith({});
