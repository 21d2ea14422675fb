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

interface OpenFile {
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

export class OpenFiles {
  readonly #files: readonly OpenFile[];
  /**
   * A descriptor of the database file. The server never closes it, because a close would release all locks that this
   * process has on the file, including SQLite's.
   */
  readonly #database: number;
  readonly #head = Buffer.alloc(MAGIC_BYTES);

  /** @param dataDir the directory of a database that is open for writing, so that all of its files exist */
  constructor(dataDir: string) {
    const path = databasePath(dataDir);
    this.#database = openSync(path, "r");
    const { dev, ino } = fstatSync(this.#database, { bigint: true });
    const isStable = idOf(path) === `${dev}:${ino}`;
    const file = databaseFile(dataDir);
    const locks = foldersOf(dataDir).map((folder) => join(folder, LOCK_FILE));
    this.#files = [path, `${file}-wal`, `${file}-shm`, ...locks].flatMap((each) => {
      const id = idOf(each);
      return id === undefined ? [] : [{ path: each, id: isStable ? id : undefined }];
    });
  }

  /**
   * Checks the database's files. Returns a sentence that names a missing, replaced or overwritten file; null if all are
   * in place. A file counts as overwritten if its first bytes are wrong.
   */
  findFault(): string | null {
    for (const { path, id } of this.#files) {
      let found: string | undefined;
      try {
        found = idOf(path);
      } catch (error) {
        return `${basename(path)} cannot be found (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`;
      }
      if (found === undefined) return `${basename(path)} was removed while the server used it`;
      if (id !== undefined && found !== id) return `${basename(path)} was replaced while the server used it`;
    }
    const bytes = readSync(this.#database, this.#head, 0, MAGIC_BYTES, 0);
    // An empty database file is valid, because all of its data may still be in the WAL.
    return bytes === 0 || hasMagic(this.#head) ? null : "data.db was overwritten while the server used it";
  }

  /** Returns the state of the database file: its size in bytes, and a value that changes with every write to it. */
  readState(): { readonly changed: bigint; readonly bytes: number } {
    const { mtimeNs, size } = fstatSync(this.#database, { bigint: true });
    return { changed: mtimeNs, bytes: Number(size) };
  }

  close(): void {
    closeSync(this.#database);
  }
}
