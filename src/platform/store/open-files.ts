/**
 * Watches whether the files of the open database are still in place, by device and inode. If a file is removed or
 * replaced while the server runs, the server still writes to the old file, which has no path any more. All later writes
 * are then lost when the server ends. Runs on the front.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { foldersOf, LOCK_FILE } from "./data-dir.js";
import { databaseFile, databasePath } from "./open.js";
import { hasMagic, MAGIC_BYTES } from "./sound.js";

/** A file of an open database. It is plain data, so that another thread can get it. */
export interface OpenFile {
  readonly path: string;
  /**
   * The file's device and inode as a text; undefined if they cannot be used, because the file system reports a
   * different inode at each look.
   */
  readonly id: string | undefined;
}

function idOf(path: string): string | undefined {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

/** Returns a sentence that names a file that is missing or was replaced; null if all files are in place. */
export function findMoved(files: readonly OpenFile[]): string | null {
  for (const { path, id } of files) {
    let found: string | undefined;
    try {
      found = idOf(path);
    } catch (error) {
      return `${basename(path)} cannot be found (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`;
    }
    if (found === undefined) return `${basename(path)} was removed while the server used it`;
    if (id !== undefined && found !== id) return `${basename(path)} was replaced while the server used it`;
  }
  return null;
}

export class OpenFiles {
  /** The database file with its WAL and its index. */
  readonly database: readonly OpenFile[];
  readonly #files: readonly OpenFile[];
  /**
   * A descriptor of the database file. The server never closes it, because a close would release all locks that this
   * process has on the file, including SQLite's.
   */
  readonly #descriptor: number;
  readonly #head = Buffer.alloc(MAGIC_BYTES);

  /** @param dataDir the directory of a database that is open for writing, so that all of its files exist */
  constructor(dataDir: string) {
    const path = databasePath(dataDir);
    this.#descriptor = openSync(path, "r");
    const { dev, ino } = fstatSync(this.#descriptor, { bigint: true });
    const isStable = idOf(path) === `${dev}:${ino}`;
    const file = databaseFile(dataDir);
    const identify = (paths: readonly string[]): OpenFile[] =>
      paths.flatMap((each) => {
        const id = idOf(each);
        return id === undefined ? [] : [{ path: each, id: isStable ? id : undefined }];
      });
    this.database = identify([path, `${file}-wal`, `${file}-shm`]);
    this.#files = [...this.database, ...identify(foldersOf(dataDir).map((folder) => join(folder, LOCK_FILE)))];
  }

  /**
   * Checks the database's files. Returns a sentence that names a missing, replaced or overwritten file; null if all are
   * in place. A file counts as overwritten if its first bytes are wrong.
   */
  findFault(): string | null {
    const moved = findMoved(this.#files);
    if (moved !== null) return moved;
    const bytes = readSync(this.#descriptor, this.#head, 0, MAGIC_BYTES, 0);
    // An empty database file is valid, because all of its data may still be in the WAL.
    return bytes === 0 || hasMagic(this.#head) ? null : "data.db was overwritten while the server used it";
  }

  /** Returns the state of the database file: its size in bytes, and a value that changes with every write to it. */
  readState(): { readonly changed: bigint; readonly bytes: number } {
    const { mtimeNs, size } = fstatSync(this.#descriptor, { bigint: true });
    return { changed: mtimeNs, bytes: Number(size) };
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
