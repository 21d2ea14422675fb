/**
 * Finds and installs the pinned clients, in a folder outside of the repository. The tests use the installed clients,
 * and install nothing themselves. To install them: `node dist/tree/test/clients/install.js`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { AgentClient } from "./clients.js";

/** The folder of the clients. */
const FOLDER = process.env["KOOR_TEST_CLIENTS"] ?? join(homedir(), ".cache", "koor-test-clients");

/** The newer Node, for clients that need a newer version than the oldest one that Koor supports. */
export const NEW_NODE = { package: `node-${process.platform}-${process.arch}`, version: "24" };

/** The other JavaScript runtimes for clients/typescript/runtimes.test.ts, each with its folder of programs. */
export const RUNTIMES = {
  node26: { package: `node-${process.platform}-${process.arch}`, version: "26.12.1", program: "bin/node" },
  deno: { package: "deno", version: "2.9.6", program: "bin.cjs" },
  bun: { package: "bun", version: "1.4.5", program: "bin/bun.exe" },
} as const;

/** Returns the path of a runtime's program; undefined if the runtime is not installed. */
export function runtimeProgram(name: keyof typeof RUNTIMES): string | undefined {
  const wanted = RUNTIMES[name];
  const path = join(folderOf(wanted), "node_modules", wanted.package, wanted.program);
  return existsSync(path) ? path : undefined;
}

interface Package {
  readonly package: string;
  readonly version: string;
}

function folderOf({ package: name, version }: Package): string {
  return join(FOLDER, `${name.replaceAll("/", "+")}@${version}`);
}

/** Returns the path of a client's program; undefined if the client is not installed. */
export function programOf(client: AgentClient): string | undefined {
  const path = join(folderOf(client), "node_modules", client.program);
  return existsSync(path) ? path : undefined;
}

/** Returns the folder of the newer Node; undefined if it is not installed. */
export function newNodeFolder(): string | undefined {
  const path = join(folderOf(NEW_NODE), "node_modules", NEW_NODE.package, "bin");
  return existsSync(path) ? path : undefined;
}

/**
 * Installs a package, unless it is installed already. A folder with the final name is always complete. Returns whether
 * the package is installed.
 */
export function install(wanted: Package, timeoutMs: number): boolean {
  const folder = folderOf(wanted);
  if (existsSync(folder)) return true;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const flags = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = spawnSync(
    "npm",
    ["install", "--prefix", unfinished, ...flags, `${wanted.package}@${wanted.version}`],
    {
      stdio: ["ignore", "inherit", "inherit"],
      timeout: timeoutMs,
    },
  );
  if (status === 0) renameSync(unfinished, folder);
  else rmSync(unfinished, { recursive: true, force: true });
  return status === 0;
}
