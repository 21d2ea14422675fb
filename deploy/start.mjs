/**
 * `npm start`: installs and builds where needed, then runs the server in this very process, so that
 * signals reach it and its exit code is the command's own. Flags are passed on as they stand.
 */
import { prepare } from "./prepare.mjs";

const ready = await prepare({ dev: false });
if (ready) await import("../dist/app/src/main.js");
else process.exitCode = 1;
