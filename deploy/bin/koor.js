#!/usr/bin/env node
/**
 * The programs `koor` and `koor-cli`: run the bundled command line in this process. In a checkout that was never built
 * (for example after `npm link`), they first install packages and build. Otherwise they load only the bundle.
 */
// An import would read all members of the module, and so load streams and more that most commands do not need.
const { existsSync } = process.getBuiltinModule("node:fs");
const program = new URL("../../dist/app/cli/koor.js", import.meta.url);
if (existsSync(program) || (await (await import("../prepare.mjs")).prepare({ dev: false }))) {
  await import(program.href);
} else {
  process.exitCode = 1;
}
