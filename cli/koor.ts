/**
 * The program (`koor`, `koor-cli`): hands `serve` to the server and all else to the command line, and sets the exit
 * code. The process ends by itself when nothing is left to do, so that output is never cut off.
 */
import { startServer } from "./commands/serve.js";
import { main } from "./main.js";

const argv = process.argv.slice(2);
if (argv[0] === "serve") await startServer(argv.slice(1));
else process.exitCode = await main(argv);
