/**
 * A program that holds a lease and works under it, for the test that stops the process by SIGSTOP. Each step of its work
 * is: look at the signal, then append a line to a file. So the lines are what it did while it believed that it held the
 * lease. It ends when the signal is aborted. Run: `node stopped-holder.js URL INSTANCE FILE`.
 */
import { appendFileSync } from "node:fs";
import { connect } from "../../clients/typescript/client.js";

const [, , url = "", instance = "", file = ""] = process.argv;
const client = connect({ url, instance });
const held = await client.leases.acquire("deploy", { ttl_s: 1 });
process.stdout.write("held\n");
for (const end = Date.now() + 60_000; !held.signal.aborted && Date.now() < end; ) {
  appendFileSync(file, `${Date.now()}\n`);
  // In the order of Node's loop, this continues before timers that are due.
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${String((held.signal.reason as Error | undefined)?.name)}\n`);
