/** Fills an empty server on loopback with a simulated day: `node dist/tree/test/support/fill.js URL [TOKEN]`. */
import { fillWithADay } from "./a-day.js";

const [url = "http://127.0.0.1:9800", token = ""] = process.argv.slice(2);
const { counts } = await fillWithADay({ port: Number(new URL(url).port) }, { nowMs: Date.now() }, token);
process.stdout.write(`${JSON.stringify(counts)}\n`);
