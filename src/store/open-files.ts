/**
 * The files of an open database, known by device and inode: they may be removed or replaced under a server, which goes
 * on writing to files that no path leads to, and loses all of it with its end. Runs on the front.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { foldersOf, LOCK_FILE } from "./data-dir.js";
import { databaseFile, databasePath } from "./open.js";
import { hasMagic, MAGIC_BYTES } from "./sound.js";

interface OpenFile {
  readonly path: string;
  /** Undefined where the file system gives a file another number each time. */
  readonly id: string | undefined;
}

function idOf(path: string): string | undefined {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

export class OpenFiles {
  readonly #files: readonly OpenFile[];
  /**
   * The database, open for as long as this is: with the first handle that is closed, the system lets go of all locks
   * that this process has on the file, SQLite's among them.
   */
  readonly #database: number;
  readonly #head = Buffer.alloc(MAGIC_BYTES);

  /** @param data_dir of a database that is open for writing: all of its files are there */
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

  /** What was removed or replaced, or overwritten at its beginning, as a sentence; null where nothing was. */
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
    // An empty one is all in its log still.
    return bytes === 0 || hasMagic(this.#head) ? null : "data.db was overwritten under the server";
  }

  /** Changes with everything that is written into the database's file; and its size in bytes. */
  readState(): { readonly changed: bigint; readonly bytes: number } {
    const { mtimeNs, size } = fstatSync(this.#database, { bigint: true });
    return { changed: mtimeNs, bytes: Number(size) };
  }

  close(): void {
    closeSync(this.#database);
  }
}
