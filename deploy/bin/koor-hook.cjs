#!/usr/bin/env node
/**
 * The program `koor-hook`. It passes an event of an agent's client to the server. It loads only its own bundle, and
 * never builds one, because a client waits for it before each tool call. If there is no bundle, the client continues.
 * The program is a CommonJS module, because Node starts one faster than an ES module.
 */
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const program = join(__dirname, "..", "..", "dist", "app", "cli", "hook.cjs");
if (existsSync(program)) require(program);
