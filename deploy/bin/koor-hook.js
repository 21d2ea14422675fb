#!/usr/bin/env node
/**
 * The program `koor-hook`: passes an event of an agent's client to the server. It loads only its own bundle, and never
 * builds: a client waits for it before each tool. Without a bundle the client continues.
 */
import { existsSync } from "node:fs";

const program = new URL("../../dist/app/cli/hook.js", import.meta.url);
if (existsSync(program)) await import(program.href);
