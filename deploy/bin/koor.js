#!/usr/bin/env node
/**
 * The programs `koor` and `koor-cli`: run the bundled command line in this process. In a checkout that was never built
 * (for example after `npm link`), they first install packages and build. Otherwise they load only the bundle. It is a
 * CommonJS module (package.json), because Node starts one faster than an ES module.
 */
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const program = join(__dirname, "..", "..", "dist", "app", "cli", "koor.js");

function run() {
  // With options of Node, such as those of a debugger or of coverage, Node itself loads the bundle.
  const { NODE_OPTIONS, NODE_V8_COVERAGE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (process.execArgv.length > 0 || NODE_OPTIONS || NODE_V8_COVERAGE || NODE_DISABLE_COMPILE_CACHE) require(program);
  else require("./compiled-parts.js").loadProgram(program, process.argv[2]);
}

async function build() {
  const { prepare } = await import("../prepare.mjs");
  if (await prepare({ dev: false })) run();
  else process.exitCode = 1;
}

if (existsSync(program)) run();
else void build();
