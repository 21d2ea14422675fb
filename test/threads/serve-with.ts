/** The server as its command runs it, but with other scripts for its threads. Runs in a process of its own. */
import { loadConfig } from "../../src/platform/config/load.js";
import { startServer } from "../../src/server.js";
import type { ThreadUrls } from "../../src/platform/threads/open.js";

/** Serves with the flags of the command line until SIGTERM. */
export async function serveWith(urls: Partial<ThreadUrls>): Promise<void> {
  const invocation = loadConfig(process.argv.slice(2), process.env);
  if (invocation.kind !== "serve") throw new Error("this program only serves");
  const server = await startServer(invocation.config, {
    writer: new URL("../../workers/writer/main.js", import.meta.url),
    pool: new URL("../../workers/pool/main.js", import.meta.url),
    staging: new URL("../../workers/staging/main.js", import.meta.url),
    telemetry: new URL("../../workers/telemetry/main.js", import.meta.url),
    // The built pages, beside the tree that this file runs from.
    pages: new URL("../../../app/dashboard/", import.meta.url),
    documents: new URL("../../../app/docs/", import.meta.url),
    ...urls,
  });
  process.once("SIGTERM", () => {
    void server.stop().then(() => process.exit(0));
  });
}
