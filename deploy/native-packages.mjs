/**
 * Manages the packages with native code. They come with binaries for every system, of which only one is used. After an
 * installation this module removes the others, which are 280 of 350 MB. It records the remaining binaries, so that the
 * next start notices another kind of Node or a missing file, and repairs the packages. Only better-sqlite3 comes
 * without a binary. Its binary is downloaded or compiled, if this Node has no built-in SQLite.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, runNpm, say, secondsSince } from "./npm.mjs";

const { platform, arch, versions } = process;
/** The C library that Node itself uses. The binaries for Linux are chosen by it. */
const LIBC = platform === "linux" && !process.report?.getReport().header.glibcVersionRuntime ? "musl" : "glibc";
/** The properties of the system that decide which native binary is used. */
const SYSTEM = `${platform}-${arch}-${LIBC}-${versions.modules}`;
const STAMP = ".koor-system";
const NATIVE_BINARY = /\.(node|dll|so|dylib)$/;

/**
 * The version of Node since which node:sqlite can be used. It must be the same as in
 * src/platform/store/sqlite/choice.ts.
 */
const NODE_SQLITE_SINCE = { major: 22, minor: 16 };
/** The time limit of a download. It is needed because a download may hang instead of failing. */
const DOWNLOAD_MS_MAX = 30_000;

/** Whether this Node has SQLite built in, so that it needs none of the packages for SQLite. */
export function hasOwnSqlite() {
  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  return major > NODE_SQLITE_SINCE.major || (major === NODE_SQLITE_SINCE.major && minor >= NODE_SQLITE_SINCE.minor);
}

const BETTER_SQLITE = "better-sqlite3";
const BETTER_SQLITE_BINARY = join("build", "Release", "better_sqlite3.node");

/**
 * The packages, each with the binaries that this system uses, and the files that are not needed after the installation.
 */
const PACKAGES = [
  {
    name: "uWebSockets.js",
    uses: (path) => path === `uws_${platform}_${arch}_${versions.modules}.node`,
    useless: [".github", "docs", "examples", "misc", "mvp", "scripts", "src", "tests"],
  },
  {
    name: "@photostructure/sqlite",
    // On macOS and Windows the names of the binaries contain `glibc`, too.
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

/**
 * Removes from one package the files that this system does not use. Returns the number of removed bytes and the
 * remaining binaries.
 */
function prunePackage({ name, uses, useless }, modules) {
  const folder = join(modules, name);
  const pruned = { bytes: 0, kept: [] };
  if (!existsSync(folder)) return pruned;
  const files = listFiles(folder);
  // If there is no binary, the sources of the package must stay, because a binary can be compiled only from them.
  const isBuilt = name !== BETTER_SQLITE || hasOwnSqlite() || existsSync(join(folder, BETTER_SQLITE_BINARY));
  for (const path of files) {
    const isUseless = isBuilt && (useless.includes(path) || useless.some((top) => path.startsWith(join(top, "/"))));
    const isLeftover = isBuilt && path.startsWith(join("build", "/")) && !uses(path);
    if (!isUseless && !isLeftover && (!NATIVE_BINARY.test(path) || uses(path))) {
      if (NATIVE_BINARY.test(path)) pruned.kept.push(join(name, path));
      continue;
    }
    pruned.bytes += statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0;
    // The file is unlinked and never truncated, because a hard link may share it with another checkout.
    rmSync(join(folder, path), { force: true });
  }
  if (isBuilt) for (const path of useless) rmSync(join(folder, path), { recursive: true, force: true });
  return pruned;
}

/**
 * Checks whether the binaries in `modules` are for this system and complete. Returns `"none"` if there is no record,
 * `"other"` if they are for another system or some are missing, `"fresh"` if they are complete.
 */
export function compareSystem(modules) {
  const path = join(modules, STAMP);
  if (!existsSync(path)) return "none";
  const [system, ...kept] = readFileSync(path, "utf8").split("\n");
  return system === SYSTEM && kept.every((file) => existsSync(join(modules, file))) ? "fresh" : "other";
}

/**
 * Removes the packages with native code, so that npm installs them again. This is necessary because npm does not notice
 * that some of their files are missing.
 */
export function removeNativePackages(modules) {
  rmSync(join(modules, STAMP), { force: true });
  for (const { name } of PACKAGES) rmSync(join(modules, name), { recursive: true, force: true });
}

/** Whether better-sqlite3 needs a binary: this Node has no built-in SQLite, and the package is installed. */
function wantsBinary(modules) {
  const folder = join(modules, BETTER_SQLITE);
  return !hasOwnSqlite() && existsSync(folder) && !existsSync(join(folder, BETTER_SQLITE_BINARY));
}

/**
 * Downloads the binary of better-sqlite3, or compiles it, if this Node needs it. If that fails, Koor still runs, with
 * another library whose writes are slower.
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
  // The result is checked, because npm reports success even if the installation of an optional package has failed.
  if (!wantsBinary(modules)) why = "";
  else if (why === "") why = "no binary came of it";
  if (why === "") say(`SQLite is ready after ${secondsSince(startedMs)}`);
  else say(`SQLite could not be compiled (${why}): writes will cost a fifth more than they could`);
}

/** Makes the packages in `modules` fit this system: makes the missing binaries and removes those for other systems. */
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
