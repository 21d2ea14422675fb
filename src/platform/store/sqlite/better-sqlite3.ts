/**
 * Loads the library better-sqlite3. Its handles need no wrapper, because the interface in library.ts is modelled on
 * them.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { BUSY_TIMEOUT_MS_DEFAULT, type SqliteLibrary } from "./library.js";

const NAME = "better-sqlite3";
/**
 * The major version of the library that Koor accepts. This version uses V8's own interface. Later versions use N-API,
 * and crash with a SIGSEGV if Node does not have N-API 10.
 */
const MAJOR = 12;

/**
 * @throws if the library is not installed, has another major version, or is not built for this Node
 */
export function loadBetterSqlite3(): SqliteLibrary {
  const load = createRequire(import.meta.url);
  const { version } = load(`${NAME}/package.json`) as { readonly version: string };
  if (Number.parseInt(version, 10) !== MAJOR) throw new Error(`${NAME} ${version} is not of line ${MAJOR}`);
  const Library = load(NAME) as typeof Database;
  // Pass the path of the binary to the library, because otherwise the library would search a dozen paths. Every
  // installation has the binary at this path, unless npm ran no scripts.
  const built = join(dirname(load.resolve(`${NAME}/package.json`)), "build", "Release", "better_sqlite3.node");
  if (!existsSync(built)) throw new Error("its binary is not installed");
  // Open a database to test the binary, because the library loads the binary only with the first database.
  new Library(":memory:", { nativeBinding: built }).close();
  return {
    way: NAME,
    open: (path, { readonly = false, timeoutMs = BUSY_TIMEOUT_MS_DEFAULT }) =>
      new Library(path, { readonly, fileMustExist: readonly, timeout: timeoutMs, nativeBinding: built }),
  };
}
