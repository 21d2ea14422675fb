/** The server with a writer that crashes on demand (crashing-writer.ts); takes the server's flags. */
import { serveWith } from "./serve-with.js";

await serveWith({ writer: new URL("./crashing-writer.js", import.meta.url) });
