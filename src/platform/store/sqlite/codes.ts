/**
 * Maps the errors of SQLite libraries to the names of SQLite's result codes. An error of better-sqlite3 has the name in
 * `code`. An error of node:sqlite has the number in `errcode`. Source of the numbers and names:
 * sqlite.org/rescode.html. Pure.
 */

/** The names of the primary codes, by their number. The low byte of an extended code is its primary code. */
const PRIMARY: Readonly<Record<number, string>> = {
  1: "ERROR",
  2: "INTERNAL",
  3: "PERM",
  4: "ABORT",
  5: "BUSY",
  6: "LOCKED",
  7: "NOMEM",
  8: "READONLY",
  9: "INTERRUPT",
  10: "IOERR",
  11: "CORRUPT",
  12: "NOTFOUND",
  13: "FULL",
  14: "CANTOPEN",
  15: "PROTOCOL",
  16: "EMPTY",
  17: "SCHEMA",
  18: "TOOBIG",
  19: "CONSTRAINT",
  20: "MISMATCH",
  21: "MISUSE",
  22: "NOLFS",
  23: "AUTH",
  24: "FORMAT",
  25: "RANGE",
  26: "NOTADB",
};

/**
 * The suffixes of the extended codes, by the name of their primary code. The first suffix belongs to the high byte 1,
 * the second to 2, and so on. A suffix is "" if there is no such code.
 */
const EXTENDED: Readonly<Record<string, readonly string[]>> = {
  ERROR: ["MISSING_COLLSEQ", "RETRY", "SNAPSHOT"],
  ABORT: ["", "ROLLBACK"],
  BUSY: ["RECOVERY", "SNAPSHOT", "TIMEOUT"],
  LOCKED: ["SHAREDCACHE", "VTAB"],
  READONLY: ["RECOVERY", "CANTLOCK", "ROLLBACK", "DBMOVED", "CANTINIT", "DIRECTORY"],
  IOERR: [
    "READ",
    "SHORT_READ",
    "WRITE",
    "FSYNC",
    "DIR_FSYNC",
    "TRUNCATE",
    "FSTAT",
    "UNLOCK",
    "RDLOCK",
    "DELETE",
    "BLOCKED",
    "NOMEM",
    "ACCESS",
    "CHECKRESERVEDLOCK",
    "LOCK",
    "CLOSE",
    "DIR_CLOSE",
    "SHMOPEN",
    "SHMSIZE",
    "SHMLOCK",
    "SHMMAP",
    "SEEK",
    "DELETE_NOENT",
    "MMAP",
    "GETTEMPPATH",
    "CONVPATH",
    "VNODE",
    "AUTH",
    "BEGIN_ATOMIC",
    "COMMIT_ATOMIC",
    "ROLLBACK_ATOMIC",
    "DATA",
    "CORRUPTFS",
    "IN_PAGE",
  ],
  CORRUPT: ["VTAB", "SEQUENCE", "INDEX"],
  CANTOPEN: ["NOTEMPDIR", "ISDIR", "FULLPATH", "CONVPATH", "DIRTYWAL", "SYMLINK"],
  CONSTRAINT: [
    "CHECK",
    "COMMITHOOK",
    "FOREIGNKEY",
    "FUNCTION",
    "NOTNULL",
    "PRIMARYKEY",
    "TRIGGER",
    "UNIQUE",
    "VTAB",
    "ROWID",
    "PINNED",
    "DATATYPE",
  ],
};

/** Returns the name of a code. For example, 2067 is `SQLITE_CONSTRAINT_UNIQUE`. */
export function nameOfCode(code: number): string {
  const primary = PRIMARY[code & 0xff];
  if (primary === undefined) return `SQLITE_UNKNOWN_${code}`;
  const extension = code >> 8;
  if (extension === 0) return `SQLITE_${primary}`;
  const extended = EXTENDED[primary]?.[extension - 1];
  return extended ? `SQLITE_${primary}_${extended}` : `SQLITE_${primary}`;
}

/**
 * Returns the name of an error's SQLite code; undefined if the error is not one of SQLite. The extended code is
 * preferred.
 */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof code !== "string") return undefined;
  if (code === "ERR_SQLITE_ERROR" && typeof errcode === "number") return nameOfCode(errcode);
  return code.startsWith("SQLITE_") ? code : undefined;
}

/** Creates an error with the name of a code, like an error of SQLite. */
export function sqliteError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A code of Koor's own: the library would truncate a text when it stores or reads it. */
export const TEXT_NOT_KEPT = "SQLITE_MISMATCH_TEXT";
