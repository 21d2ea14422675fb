#!/usr/bin/env node
/**
 * The program `koor-server`: starts the built server in this process. In a checkout that was never built (for example
 * after `npm link`), it first installs packages and builds. Otherwise it loads only the server itself. It is a CommonJS
 * module, like all programs in this folder (package.json).
 */
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const program = join(__dirname, "..", "..", "dist", "app", "src", "main.js");

async function start() {
  if (existsSync(program) || (await (await import("../prepare.mjs")).prepare({ dev: false }))) {
    const { runServer } = await import(pathToFileURL(program).href);
    await runServer(process.argv.slice(2));
  } else {
    process.exitCode = 1;
  }
}

void start();
