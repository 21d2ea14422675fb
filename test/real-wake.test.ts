/**
 * Wakes a real agent client that is idle in a terminal, with the hooks that `koor init` writes. It belongs to the long
 * form, and is skipped where the client is not installed (`node dist/tree/test/clients/install.js`).
 * KOOR_TEST_LONG=1 node dist/tree/test/real-wake.test.js repeats it.
 */
import { runIsolated } from "./clients/loopback-only.js";
import { longFormOnly } from "./support/test-size.js";

const code = longFormOnly() === false ? await runIsolated(import.meta.url) : undefined;
if (code === undefined) await import("./clients/wake-scenario.js");
else process.exitCode = code;
