/** The server with threads that check their traffic against the table of methods, and so do the front's own reads. */
import { checkMethods } from "./checked-methods.js";
import { serveWith } from "./serve-with.js";

checkMethods(process.env["KOOR_DATA_DIR"] ?? "");
await serveWith({
  writer: new URL("./checked-writer.js", import.meta.url),
  pool: new URL("./checked-pool.js", import.meta.url),
  staging: new URL("./checked-staging.js", import.meta.url),
});
