/**
 * A real git repository and a real server for tests of the guard, with two agents and a `koor` that git's hooks find.
 * All tests of a file share a server, which starts once. Each test has its own workspace.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  lstatSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

import root, { type Test } from "tap";

import { Agent } from "../support/leasing.js";
import { recipesOf, tryRecipe } from "../support/recipe.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "../support/server-process.js";
import { gitEnvironment, makeRepository } from "./git.js";
import { mask } from "./page-examples.js";
import { CLI_PROGRAM, runCli, type CliResult } from "./run-cli.js";

/** For tap's `skip`: the reason if this machine has no git; false otherwise. */
export const NO_GIT = spawnSync("git", ["--version"]).status === 0 ? false : "there is no git here";

export interface GitEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

export interface Guarded {
  readonly server: Koor;
  readonly top: string;
  readonly home: string;
  /** The name of the repository's folder, which is also the name of its workspace. */
  readonly workspace: string;
  readonly root: string;
  /** The agent that works in the repository. */
  readonly ana: Agent;
  /** The agent that holds leases of files that ana wants to change. */
  readonly bob: Agent;
  /** The environment of ana's commands. */
  readonly env: Environment;
  /** Runs git as ana, by default in the repository. */
  readonly git: (
    words: readonly string[],
    more?: { readonly cwd?: string; readonly env?: Environment },
  ) => Promise<GitEnd>;
  /** Runs a command of the guard as ana, by default in the repository. */
  readonly guard: (
    words: readonly string[],
    more?: { readonly cwd?: string; readonly env?: Environment },
  ) => Promise<CliResult>;
  /** Writes a file in the repository. By default, the content is different in each call. */
  readonly write: (path: string, text?: string) => void;
}

/** Writes an executable file. */
export function writeScript(path: string, body: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** Describes everything below a folder: the kind, the mode and the bytes of each entry, by path. */
export function snapshotOf(folder: string, skip: readonly string[] = []): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const visit = (relative: string): void => {
    const path = join(folder, relative);
    const entry = lstatSync(path);
    if (skip.includes(relative)) return;
    if (entry.isSymbolicLink()) found[relative] = `link ${readlinkSync(path)}`;
    else if (entry.isFile()) found[relative] = `${statSync(path).mode.toString(8)} ${readFileSync(path, "latin1")}`;
    else {
      found[relative] = "folder";
      for (const name of readdirSync(path)) visit(join(relative, name));
    }
  };
  visit("");
  return found;
}

/** The server that the tests of this process share, and the number of their workspaces. */
let shared: Promise<Koor> | undefined;
let workspaces = 0;

/** Makes a repository with two agents, on the shared server or on its own server. */
export async function setUpGuarded(t: Owner, ownServer = false): Promise<Guarded> {
  const server = await (ownServer ? startKoor(t) : (shared ??= startKoor(root)));
  workspaces += 1;
  const workspace = `trucks-${workspaces}`;
  const top = makeDirectory(t);
  const [home, bin] = [join(top, "home"), join(top, "bin")];
  mkdirSync(home);
  writeScript(join(bin, "koor"), `exec '${process.execPath}' '${CLI_PROGRAM}' "$@"`);
  const repository = makeRepository(home, join(top, workspace));
  const { port } = new URL(server.url);
  const ana = await Agent.register(Number(port), "ana", { workspace });
  const bob = await Agent.register(Number(port), "bob", { workspace });
  const env: Environment = {
    ...gitEnvironment(home),
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    KOOR_SERVER: server.url,
    KOOR_INSTANCE: ana.id,
  };
  let writes = 0;
  return {
    server,
    top,
    home,
    workspace,
    root: repository,
    ana,
    bob,
    env,
    git: async (words, { cwd = repository, env: more = {} } = {}) => {
      const child = spawn("git", ["-c", "protocol.file.allow=always", ...words], {
        cwd,
        env: { ...env, ...more },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(child, "close");
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const [code] = (await ended) as [number | null];
      return { code, stdout: stdout.trimEnd(), stderr };
    },
    guard: async (words, { cwd = repository, env: more = {} } = {}) =>
      await runCli(["guard", ...words], { cwd, env: { ...env, ...more } }),
    write: (path, content) => {
      writes += 1;
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), content ?? `${writes}\n`);
    },
  };
}

/** Runs the recipes of a page in their order, in an empty folder, and compares the output of each with the page. */
export async function checkRecipe(t: Test, page: string): Promise<void> {
  const { server, env, top } = await setUpGuarded(t, true);
  const recipes = recipesOf(page);
  t.not(recipes.length, 0, "the page has a recipe");
  const cwd = join(top, "recipe");
  mkdirSync(cwd);
  const { KOOR_INSTANCE: _, ...rest } = env;
  for (const recipe of recipes) {
    const { said, code } = await tryRecipe(recipe, server.url, { cwd, env: rest });
    t.same({ said: mask(said), code }, { said: mask(recipe.says), code: 0 }, "its output is that of the page");
  }
}
