/**
 * Chooses the SQLite library, once in each thread. The choice depends only on the version of Node and on the installed
 * packages, so it is the same in all threads. `KOOR_SQLITE` forces a library, for tests and benchmarks.
 */
import { reasonOf } from "../../../base/reason.js";
import { loadBetterSqlite3 } from "./better-sqlite3.js";
import { SQLITE_WAYS, type Db, type OpenOptions, type SqliteLibrary, type SqliteWay } from "./library.js";
import { loadNodeSqlite, loadPort } from "./node-sqlite.js";

/** The environment variable that forces a library. */
export const SQLITE_VARIABLE = "KOOR_SQLITE";

/** The first version of Node whose node:sqlite needs no flag and can return rows as arrays. */
const NODE_SQLITE_SINCE = { major: 22, minor: 16 };

const LOADERS: Readonly<Record<SqliteWay, () => SqliteLibrary>> = {
  "node:sqlite": loadNodeSqlite,
  "better-sqlite3": loadBetterSqlite3,
  "@photostructure/sqlite": loadPort,
};

/** Thrown if no SQLite library can be used. The start prints the message as one line, and exits with code 1. */
export class SqliteMissingError extends Error {
  override readonly name = "SqliteMissingError";
}

/** The chosen library. If it is not the preferred one, `fallback` says why. */
export interface SqliteChoice {
  readonly library: SqliteLibrary;
  /** The reason why the preferred library of this version of Node did not load; "" if it did. */
  readonly fallback: string;
}

function isWay(name: string): name is SqliteWay {
  return (SQLITE_WAYS as readonly string[]).includes(name);
}

/** Returns the libraries that this version of Node can use, the preferred one first. */
export function waysOf(version: string): readonly SqliteWay[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: since, minor: sinceMinor } = NODE_SQLITE_SINCE;
  const hasOwn = major > since || (major === since && minor >= sinceMinor);
  return SQLITE_WAYS.filter((way) => hasOwn || way !== "node:sqlite");
}

/**
 * Loads the first library that works.
 * @param wanted the name of a library, or "auto"
 * @throws SqliteMissingError if none works; its message is one line for the operator
 */
export function chooseSqlite(wanted: string): SqliteChoice {
  if (wanted !== "auto" && !isWay(wanted))
    throw new SqliteMissingError(
      `${SQLITE_VARIABLE} must be auto, ${SQLITE_WAYS.join(", ")}, not ${JSON.stringify(wanted)}`,
    );
  const failed: { readonly way: SqliteWay; readonly reason: string }[] = [];
  const reasons = (): string => failed.map(({ way, reason }) => `${way}: ${reason}`).join("; ");
  for (const way of wanted === "auto" ? waysOf(process.versions.node) : [wanted]) {
    try {
      return { library: LOADERS[way](), fallback: reasons() };
    } catch (error) {
      failed.push({ way, reason: reasonOf(error).split("\n")[0] ?? "" });
    }
  }
  throw new SqliteMissingError(
    `no SQLite: install Koor again with its optional packages, or use Node 22.16 or newer, which has its own (${reasons()})`,
  );
}

let chosen: SqliteChoice | undefined;

/**
 * Returns the library of this thread. The first call chooses it.
 * @throws SqliteMissingError
 */
export function sqliteChoice(): SqliteChoice {
  chosen ??= chooseSqlite(process.env[SQLITE_VARIABLE] || "auto");
  return chosen;
}

/**
 * Opens a handle with the library of this thread.
 * @param path the path of the file, or ":memory:"
 */
export function openDatabase(path: string, options: OpenOptions = {}): Db {
  return sqliteChoice().library.open(path, options);
}
