/**
 * Runs real agent clients against a scripted model, with the hooks that `koor init` writes. It belongs to the long
 * form, and each client is skipped where its pinned version is not installed (`node
 * dist/tree/test/clients/install.js`). KOOR_TEST_LONG=1 KOOR_TEST_CLIENT=claude node
 * dist/tree/test/real-clients.test.js repeats the test of one client.
 */
import { runIsolated } from "./clients/loopback-only.js";
import { longFormOnly } from "./support/test-size.js";

const code = longFormOnly() === false ? await runIsolated(import.meta.url) : undefined;
if (code === undefined) await import("./clients/scenario.js");
else process.exitCode = code;
