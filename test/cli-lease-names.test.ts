/**
 * Tests leases from a shell, with a real server: leases of one of several names, and names that several holders share.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";

import { joinServer } from "./cli/cli-agent.js";
import { CLI_PROGRAM } from "./cli/run-cli.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

const PAGE = readFileSync(new URL("../../../docs/leases.md", import.meta.url), "utf8");

/** Returns the commands in a section of the page, each with its output. */
function commandsOf(heading: string): { readonly command: string; readonly output: string }[] {
  const [, session = ""] = PAGE.slice(PAGE.indexOf(`### ${heading}`)).split("```");
  return session
    .split("\n$ ")
    .slice(1)
    .map((part) => {
      const [command = "", ...output] = part.trimEnd().split("\n");
      return { command, output: output.join("\n") };
    });
}

t.test("the recipes of the page work", async (t) => {
  const server = await startKoor(t);
  const ana = await joinServer(t, server, "ana");
  const commands = commandsOf("Ports, databases, browsers, migrations");
  t.equal(commands.length, 4);
  const programs = makeDirectory(t);
  writeFileSync(join(programs, "koor-cli"), '#!/bin/sh\nexec "$NODE" "$CLI" "$@"\n', { mode: 0o755 });
  const PATH = `${programs}:${process.env["PATH"] ?? ""}`;
  const env = { PATH, KOOR_SERVER: server.url, NODE: process.execPath, CLI: CLI_PROGRAM };
  for (const { command, output } of commands) {
    const shell = spawn("sh", ["-c", command], { cwd: ana.root, env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(shell, "close");
    t.equal((await text(shell.stdout)).trimEnd(), output, command);
    t.same((await ended)[0], 0);
  }
  t.match(await ana.ask("lease", "list", "--state", "held"), { leases: [] }, "each was given back");
});

t.test("two agents get different names, and share a name", async (t) => {
  const server = await startKoor(t);
  const [ana, bob] = [await joinServer(t, server, "ana"), await joinServer(t, server, "bob")];
  t.match(await ana.ask("lease", "acquire", "--any", "port:1..2", "--any", "db-1|db-2"), {
    resources: ["port:1", "db-1"],
    any: ["port:1..2", "db-1|db-2"],
  });
  t.match(await bob.ask("lease", "acquire", "--any", "port:1..2"), { resources: ["port:2"] });
  const counted = ["lease", "acquire", "browser", "--max-holders", "2"];
  t.match(await ana.ask(...counted), { mode: "shared", max_holders: 2 });
  t.match(await bob.ask(...counted), { mode: "shared", max_holders: 2 });
  const cem = await joinServer(t, server, "cem");
  t.match(await cem.koor(...counted), { code: 1, stderr: /^koor: leased by ana: browser \(409\)/ });
  t.match(await cem.koor("lease", "acquire"), { code: 2, stderr: /<resource> or --any is required/ });
});
