/**
 * Copies the checkout, for tests that build in their own folder. A copy has the versioned files with their current
 * contents and the installed packages, but nothing that was built.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The path of the checkout. This file runs from dist/tree/test/support. */
export const CHECKOUT = fileURLToPath(new URL("../../../../", import.meta.url));
/** The maximum length of the list of files. The default of execFile is too small. */
const LIST_BYTES_MAX = 16 * 2 ** 20;

/** Returns the paths of the files that belong to the checkout, relative to it. Fails outside of a git repository. */
export async function listCheckout(): Promise<readonly string[]> {
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: CHECKOUT,
    maxBuffer: LIST_BYTES_MAX,
  });
  return stdout.split("\0").filter((path) => path !== "" && existsSync(join(CHECKOUT, path)));
}

/** Copies files and folders of the checkout into a folder, at their own paths. */
export function copyFiles(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(CHECKOUT, path), target, { recursive: true });
  }
}

/** Copies the installed packages into a folder. Uses hard links if the file system allows it. */
export async function copyPackages(folder: string): Promise<void> {
  const [from, to] = [join(CHECKOUT, "node_modules"), join(folder, "node_modules")];
  await run("cp", ["-al", from, to]).catch(() => run("cp", ["-a", from, folder]));
}

/** Makes a copy of the checkout in a folder, which it creates. */
export async function copyCheckout(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyFiles(folder, await listCheckout());
  await copyPackages(folder);
}
