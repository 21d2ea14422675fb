/** The server with the writer that crashes when it is told to (crashing-writer.ts); takes the server's flags. */
import { loadConfig } from "../../src/config/load.js";
import { startServer } from "../../src/server.js";

const invocation = loadConfig(process.argv.slice(2), process.env);
if (invocation.kind !== "serve") throw new Error("this program only serves");
const server = await startServer(invocation.config, {
  writer: new URL("./crashing-writer.js", import.meta.url),
  pool: new URL("../../workers/pool/main.js", import.meta.url),
});
process.once("SIGTERM", () => {
  void server.stop().then(() => process.exit(0));
});
