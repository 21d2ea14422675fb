#!/usr/bin/env node
/**
 * `koor` and `koor-cli`: run the bundled command line in this process. In a checkout that was never built
 * (after `npm link`, say) it installs and builds first; later it loads nothing but the bundle.
 */
import { existsSync } from "node:fs";

const program = new URL("../../dist/app/cli/koor.js", import.meta.url);
if (existsSync(program) || (await (await import("../prepare.mjs")).prepare({ dev: false }))) {
  await import(program.href);
} else {
  process.exitCode = 1;
}
