/** The server with threads that hold what they are sent to the table of methods; the front's own reads, too. */
import { JOBS } from "../../src/jobs.js";
import { checkHandlers } from "./checked-methods.js";
import { serveWith } from "./serve-with.js";

checkHandlers(JOBS, process.env["KOOR_DATA_DIR"] ?? "");
await serveWith({
  writer: new URL("./checked-writer.js", import.meta.url),
  pool: new URL("./checked-pool.js", import.meta.url),
  staging: new URL("./checked-staging.js", import.meta.url),
});
