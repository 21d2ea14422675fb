/** The server with the writer that crashes when it is told to (crashing-writer.ts); takes the server's flags. */
import { serveWith } from "./serve-with.js";

await serveWith({ writer: new URL("./crashing-writer.js", import.meta.url) });
