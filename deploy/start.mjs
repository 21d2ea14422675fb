/**
 * `npm start`: installs and builds where needed, then runs the server in this very process, so that
 * signals reach it and its exit code is the command's own. Flags are passed on as they stand.
 */
import { prepare } from "./prepare.mjs";

if (await prepare({ dev: false })) {
  const { runServer } = await import("../dist/app/src/main.js");
  await runServer(process.argv.slice(2));
} else {
  process.exitCode = 1;
}
