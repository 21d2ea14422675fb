/**
 * Looks after the packages with native code. They come with binaries for every system, of which one is used: after an
 * installation the others are removed, 280 MB of 350. What stays is recorded, so that the next start notices another
 * kind of Node or a missing file, and repairs it. Only better-sqlite3 comes without a binary: it is downloaded or
 * compiled, and only a Node without SQLite of its own needs it.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, runNpm, say, secondsSince } from "./npm.mjs";

const { platform, arch, versions } = process;
/** The binaries for Linux are chosen by the C library that Node itself uses. */
const LIBC = platform === "linux" && !process.report?.getReport().header.glibcVersionRuntime ? "musl" : "glibc";
/** The properties of the system that a native binary depends on. */
const SYSTEM = `${platform}-${arch}-${LIBC}-${versions.modules}`;
const STAMP = ".koor-system";
const NATIVE_BINARY = /\.(node|dll|so|dylib)$/;

/** The same rule is in src/store/sqlite/choice.ts. */
const NODE_SQLITE_SINCE = { major: 22, minor: 16 };
/** Time limit of a download, which may hang instead of failing. */
const DOWNLOAD_MS_MAX = 30_000;

/** Whether this Node needs none of the packages for SQLite. */
export function hasOwnSqlite() {
  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  return major > NODE_SQLITE_SINCE.major || (major === NODE_SQLITE_SINCE.major && minor >= NODE_SQLITE_SINCE.minor);
}

const BETTER_SQLITE = "better-sqlite3";
const BETTER_SQLITE_BINARY = join("build", "Release", "better_sqlite3.node");

/** For each package: the binaries that this system uses, and the files that are not used once it is installed. */
const PACKAGES = [
  {
    name: "uWebSockets.js",
    uses: (path) => path === `uws_${platform}_${arch}_${versions.modules}.node`,
    useless: [".github", "docs", "examples", "misc", "mvp", "scripts", "src", "tests"],
  },
  {
    name: "@photostructure/sqlite",
    // The binaries for macOS and Windows are called glibc, too.
    uses: (path) => path.startsWith(join("prebuilds", `${platform}-${arch}`)) && path.endsWith(`${LIBC}.node`),
    useless: ["src", "scripts", "binding.gyp"],
  },
  {
    name: BETTER_SQLITE,
    uses: (path) => path === BETTER_SQLITE_BINARY && !hasOwnSqlite(),
    useless: ["deps", "src", "binding.gyp"],
  },
];

function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1));
}

/** Removes from one package what this system does not use. Returns the removed bytes and the binaries that stay. */
function prunePackage({ name, uses, useless }, modules) {
  const folder = join(modules, name);
  const pruned = { bytes: 0, kept: [] };
  if (!existsSync(folder)) return pruned;
  const files = listFiles(folder);
  // Without a binary, its sources are all that it could be compiled from.
  const isBuilt = name !== BETTER_SQLITE || hasOwnSqlite() || existsSync(join(folder, BETTER_SQLITE_BINARY));
  for (const path of files) {
    const isUseless = isBuilt && (useless.includes(path) || useless.some((top) => path.startsWith(join(top, "/"))));
    const isLeftover = isBuilt && path.startsWith(join("build", "/")) && !uses(path);
    if (!isUseless && !isLeftover && (!NATIVE_BINARY.test(path) || uses(path))) {
      if (NATIVE_BINARY.test(path)) pruned.kept.push(join(name, path));
      continue;
    }
    pruned.bytes += statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0;
    // The file is unlinked, never emptied: by a hard link it may be another checkout's, too.
    rmSync(join(folder, path), { force: true });
  }
  if (isBuilt) for (const path of useless) rmSync(join(folder, path), { recursive: true, force: true });
  return pruned;
}

/**
 * Checks whether the binaries in `modules` are this system's and complete. `"none"`: there is no record; `"other"`:
 * they are another system's, or some are missing; `"fresh"`: they are complete.
 */
export function compareSystem(modules) {
  const path = join(modules, STAMP);
  if (!existsSync(path)) return "none";
  const [system, ...kept] = readFileSync(path, "utf8").split("\n");
  return system === SYSTEM && kept.every((file) => existsSync(join(modules, file))) ? "fresh" : "other";
}

/**
 * Removes the packages with native code, so that npm installs them again: npm does not notice that some of their files
 * are missing.
 */
export function removeNativePackages(modules) {
  rmSync(join(modules, STAMP), { force: true });
  for (const { name } of PACKAGES) rmSync(join(modules, name), { recursive: true, force: true });
}

/** Whether to wait for better-sqlite3: this Node has no SQLite of its own, and the package is installed. */
function wantsBinary(modules) {
  const folder = join(modules, BETTER_SQLITE);
  return !hasOwnSqlite() && existsSync(folder) && !existsSync(join(folder, BETTER_SQLITE_BINARY));
}

/**
 * Gets better-sqlite3's binary where this Node needs it: downloads it, or compiles it. Without it Koor still runs, with
 * a library whose writes cost more.
 */
async function makeBinary(modules) {
  if (!wantsBinary(modules)) return;
  const folder = join(modules, BETTER_SQLITE);
  const startedMs = performance.now();
  say(`downloading SQLite for Node ${versions.node} from github.com`);
  const downloader = join(modules, "prebuild-install", "bin.js");
  let why = await run([process.execPath, downloader], { folder, limitMs: DOWNLOAD_MS_MAX });
  if (why !== "") {
    say("compiling SQLite, which takes one to three minutes, once (Node 22.16 and newer have their own)");
    why = await runNpm(["rebuild", BETTER_SQLITE, "--ignore-scripts=false"], { folder: join(modules, "..") });
  }
  // npm reports success even where an optional package has failed.
  if (!wantsBinary(modules)) why = "";
  else if (why === "") why = "no binary came of it";
  if (why === "") say(`SQLite is ready after ${secondsSince(startedMs)}`);
  else say(`SQLite could not be compiled (${why}): writes will cost a fifth more than they could`);
}

/** Makes the packages in `modules` fit this system: missing binaries are made, other systems' are removed. */
export async function fitPackages(modules) {
  await makeBinary(modules);
  const startedMs = performance.now();
  const pruned = PACKAGES.map((row) => prunePackage(row, modules));
  const bytes = pruned.reduce((sum, each) => sum + each.bytes, 0);
  if (bytes > 0)
    say(`dropped ${Math.round(bytes / 1e6)} MB that other systems would use in ${secondsSince(startedMs)}`);
  mkdirSync(modules, { recursive: true });
  const path = join(modules, STAMP);
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, [SYSTEM, ...pruned.flatMap(({ kept }) => kept)].join("\n"));
  renameSync(aside, path);
}
