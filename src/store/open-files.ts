/**
 * Watches the files of an open database by device and inode. The files may be removed or replaced while the server
 * runs. The server would then write to files that have no path any more, and all of these writes would be lost when it
 * ends. Runs on the front.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { foldersOf, LOCK_FILE } from "./data-dir.js";
import { databaseFile, databasePath } from "./open.js";
import { hasMagic, MAGIC_BYTES } from "./sound.js";

interface OpenFile {
  readonly path: string;
  /** The file's device and inode, as a text; undefined if the file system reports a different inode each time. */
  readonly id: string | undefined;
}

function idOf(path: string): string | undefined {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

export class OpenFiles {
  readonly #files: readonly OpenFile[];
  /**
   * A descriptor of the database file, which must stay open. When a process closes any descriptor of a file, the
   * operating system releases all locks that this process has on the file, and so SQLite's.
   */
  readonly #database: number;
  readonly #head = Buffer.alloc(MAGIC_BYTES);

  /**
   * @param data_dir the directory of a database that is open for writing, so all of its files exist
   */
  constructor(data_dir: string) {
    const path = databasePath(data_dir);
    this.#database = openSync(path, "r");
    const { dev, ino } = fstatSync(this.#database, { bigint: true });
    const is_stable = idOf(path) === `${dev}:${ino}`;
    const file = databaseFile(data_dir);
    const locks = foldersOf(data_dir).map((folder) => join(folder, LOCK_FILE));
    this.#files = [path, `${file}-wal`, `${file}-shm`, ...locks].flatMap((each) => {
      const id = idOf(each);
      return id === undefined ? [] : [{ path: each, id: is_stable ? id : undefined }];
    });
  }

  /**
   * Returns a sentence about a file that was removed or replaced, or whose beginning was overwritten; null if there is
   * none.
   */
  findFault(): string | null {
    for (const { path, id } of this.#files) {
      let found: string | undefined;
      try {
        found = idOf(path);
      } catch (error) {
        return `${basename(path)} cannot be found (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`;
      }
      if (found === undefined) return `${basename(path)} was removed under the server`;
      if (id !== undefined && found !== id) return `${basename(path)} was replaced under the server`;
    }
    const bytes = readSync(this.#database, this.#head, 0, MAGIC_BYTES, 0);
    // An empty database file is no fault, because all of its data may still be in the WAL.
    return bytes === 0 || hasMagic(this.#head) ? null : "data.db was overwritten under the server";
  }

  /** Returns a value that changes with every write to the database file, and the file's size in bytes. */
  readState(): { readonly changed: bigint; readonly bytes: number } {
    const { mtimeNs, size } = fstatSync(this.#database, { bigint: true });
    return { changed: mtimeNs, bytes: Number(size) };
  }

  close(): void {
    closeSync(this.#database);
  }
}
