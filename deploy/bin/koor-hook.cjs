#!/usr/bin/env node
/**
 * The program `koor-hook`: passes an event of an agent's client to the server. It loads only its own bundle, and never
 * builds: a client waits for it before each tool. Without a bundle the client continues. It is a CommonJS module,
 * because Node starts one faster than an ES module.
 */
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const program = join(__dirname, "..", "..", "dist", "app", "cli", "hook.cjs");
if (existsSync(program)) require(program);
