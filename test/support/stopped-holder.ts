/**
 * A program that holds a lease and works under it, for the test that stops the process with SIGSTOP. In each step, it
 * checks the signal, and then appends the time before the check to a file. So the file shows the work that it did while
 * it believed that it held the lease. It ends when the signal is aborted. Run: `node stopped-holder.js URL INSTANCE
 * FILE`.
 */
import { appendFileSync } from "node:fs";
import { connect } from "../../clients/typescript/client.js";

const [, , url = "", instance = "", file = ""] = process.argv;
const client = connect({ url, instance });
const held = await client.leases.acquire("deploy", { ttl_s: 3 });
appendFileSync(file, `${Date.now()}\n`);
process.stdout.write("held\n");
/** The number of steps within one tick of Node's event loop, during which no timer runs. */
const STEPS = 50;
const endMs = Date.now() + 60_000;

while (!held.signal.aborted && Date.now() < endMs) {
  for (let step = 0; step < STEPS; step++) {
    const atMs = Date.now();
    if (held.signal.aborted) break;
    appendFileSync(file, `${atMs}\n`);
    await Promise.resolve();
  }
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${String((held.signal.reason as Error | undefined)?.name)}\n`);
