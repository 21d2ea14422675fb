#!/usr/bin/env node
/**
 * The program `koor-server`: starts the built server in this process. In a checkout that was never built (for example
 * after `npm link`), it first installs packages and builds. Otherwise it loads only the server itself.
 */
import { existsSync } from "node:fs";

const program = new URL("../../dist/app/src/main.js", import.meta.url);
if (existsSync(program) || (await (await import("../prepare.mjs")).prepare({ dev: false }))) {
  const { runServer } = await import(program.href);
  await runServer(process.argv.slice(2));
} else {
  process.exitCode = 1;
}
