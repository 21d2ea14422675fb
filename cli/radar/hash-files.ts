/** Computes the object ids that git would give to files. Stores nothing in the repository. Runs in the CLI process. */
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { CliFailure } from "../failure.js";
import { runGit } from "../guard/git.js";
import type { Variables } from "./git-programs.js";

/** The maximum size of a hashed file, in bytes. A report must not read gigabytes. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** The maximum total size of the hashed files of one report, in bytes. */
const ALL_BYTES_MAX = 128 * 1024 * 1024;
const SHA1_DIGITS = 40;

/** Formats a path as one line of git's stdin. If a path needs quotes, git reads escapes in it as C does. */
function asLine(path: string): string {
  return /["\n\r\\]/.test(path)
    ? `"${path.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"\n`
    : `${path}\n`;
}

/**
 * Returns the object id of a symbolic link; undefined if the link does not exist any more. git stores the link's target
 * as its content.
 */
function hashLink(path: string, digits: number): string | undefined {
  let target: Buffer;
  try {
    target = readlinkSync(path, "buffer");
  } catch {
    return undefined;
  }
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash(digits === SHA1_DIGITS ? "sha1" : "sha256");
  return hash.update(`blob ${target.length}\0`).update(target).digest("hex");
}

/**
 * Returns the object ids of files in a working tree, by path. Files that are gone or too large are left out.
 * @param digits the number of hexadecimal digits in the repository's object ids: 40 (SHA-1) or 64 (SHA-256)
 */
export function hashFiles(
  root: string,
  variables: Variables,
  paths: readonly string[],
  digits: number,
): ReadonlyMap<string, string> | CliFailure {
  const ids = new Map<string, string>();
  const asked: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const entry = lstatSync(join(root, path), { throwIfNoEntry: false });
    const link = entry?.isSymbolicLink() ? hashLink(join(root, path), digits) : undefined;
    if (link !== undefined) ids.set(path, link);
    if (!entry?.isFile() || entry.size > FILE_BYTES_MAX || bytes + entry.size > ALL_BYTES_MAX) continue;
    bytes += entry.size;
    asked.push(path);
  }
  if (asked.length === 0) return ids;
  const result = runGit(root, ["hash-object", "--stdin-paths"], variables, asked.map(asLine).join(""));
  if (result instanceof CliFailure) return result;
  // git stops at the first file that it cannot read. The output then has ids only for the files before it.
  const lines = result.output.toString("utf8").split("\n");
  for (const [at, path] of asked.entries()) {
    const id = lines[at];
    if (id !== undefined && id.length === digits) ids.set(path, id);
  }
  return ids;
}
