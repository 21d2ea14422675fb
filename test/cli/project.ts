/** Makes projects for tests of `init`, each with its own home folder, and compares their files. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Test } from "tap";

import { makeDirectory } from "../support/server-process.js";
import { FakeServer } from "./fake-server.js";
import { git, gitEnvironment, makeRepository } from "./git.js";
import { runCli, type CliResult } from "./run-cli.js";

const PERMISSIONS = 0o777;

export interface InitProject {
  readonly fake: FakeServer;
  readonly home: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly koor: (args: readonly string[], more?: Readonly<Record<string, string>>) => Promise<CliResult>;
  readonly read: (path: string) => string;
  readonly write: (path: string, text: string) => void;
  readonly git: (...words: string[]) => string;
}

/** Makes a git repository with one commit, a home folder, and a server that answers everything. */
export async function makeProject(t: Test): Promise<InitProject> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const top = makeDirectory(t);
  const home = join(top, "home");
  mkdirSync(home);
  const root = makeRepository(home, join(top, "trucks"), "https://git.example/acme/trucks.git");
  const env = { ...gitEnvironment(home), KOOR_SERVER: fake.url };
  return {
    fake,
    home,
    root,
    env,
    koor: async (args, more = {}) => await runCli(args, { cwd: root, env: { ...env, ...more } }),
    read: (path) => readFileSync(join(root, path), "utf8"),
    write: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    git: (...words) => git(home, root, ...words),
  };
}

/**
 * Returns all files below a folder, with their modes and contents. Leaves out git's own files, except the exclude file.
 */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    const path = join(folder, name);
    const info = lstatSync(path);
    if (/^\.git(?:\/|$)/.test(name) && name !== ".git/info/exclude") continue;
    if (info.isSymbolicLink()) found[name] = `link ${readlinkSync(path)}`;
    else if (info.isDirectory()) found[name] = "folder";
    else found[name] = `${(statSync(path).mode & PERMISSIONS).toString(8)} ${readFileSync(path, "latin1")}`;
  }
  return found;
}
