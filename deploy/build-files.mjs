/**
 * Reads and writes files for the build: lists sources, hashes them, replaces outputs whole, and removes outputs that
 * earlier builds left.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The suffix of a file that is being written. It keeps the files of two concurrent builds apart. */
const PART_SUFFIX = ".part";

/**
 * Lists the files below `folder`, relative to the root, with `/` as separator. Returns `[]` if the folder does not
 * exist.
 */
export function listFiles(folder) {
  const top = join(ROOT, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(ROOT, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join("/"),
    )
    .toSorted();
}

/** Lists the TypeScript files below `folder`. */
export function listSources(folder) {
  return listFiles(folder).filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
}

export function isTest(path) {
  return /\.test\.tsx?$/.test(path);
}

/**
 * Returns a short hash of the paths and contents of `files`. It changes when a file is edited, added or removed. It
 * does not depend on times, because it becomes part of the package, and two builds of the same sources must give the
 * same package.
 */
export function stampOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readIfThere(join(ROOT, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 32);
}

/** The last line of a bundle. It tells whether the bundle is current. */
export function stampLine(stamp) {
  return `// built from ${stamp}\n`;
}

/**
 * Replaces a file: writes a temporary file and renames it, so that a reader sees either the whole old or the whole new
 * file.
 */
export function writeWhole(path, content, mtimeMs) {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}${PART_SUFFIX}`;
  writeFileSync(aside, content);
  if (mtimeMs !== undefined) utimesSync(aside, mtimeMs / 1000, mtimeMs / 1000);
  renameSync(aside, path);
}

export function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

export function outputOf(source, folder) {
  return join(folder, source.replace(/\.tsx?$/, ".js"));
}

/** Removes from `folder` all files that are not in `wanted`, and empty folders. */
export function removeAllBut(folder, wanted) {
  if (!existsSync(folder)) return;
  const folders = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else if (!wanted.has(path) && !path.endsWith(PART_SUFFIX)) rmSync(path, { force: true });
  }
  for (const inner of folders.toSorted((a, b) => b.length - a.length)) {
    if (existsSync(inner) && readdirSync(inner).length === 0) rmdirSync(inner);
  }
}
