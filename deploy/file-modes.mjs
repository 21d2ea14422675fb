/**
 * Sets the modes of the files that `npm pack` publishes. The archive contains the modes, and the umask with which the
 * files were checked out and built decides them. With other modes the package would have another checksum. npm runs
 * this program before it packs (`prepack`). Run: `node deploy/file-modes.mjs`.
 */
import { chmodSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM_MODE = 0o755;
const FILE_MODE = 0o644;
const OWNER_EXECUTES = 0o100;
/** The files that npm publishes although `files` in package.json does not name them. */
const ALWAYS = ["LICENSE", "README.md", "package.json"];

/**
 * Lists the files of an entry of `files`: a file, a folder with everything in it, or a pattern such as `deploy/*.mjs`.
 */
function listEntry(entry) {
  const path = join(ROOT, entry);
  if (basename(entry).startsWith("*")) {
    const ending = basename(entry).slice(1);
    const folder = dirname(path);
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name));
  }
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
}

const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
for (const path of [...ALWAYS, ...files.filter((entry) => !entry.startsWith("!"))].flatMap(listEntry)) {
  const { mode } = statSync(path);
  chmodSync(path, (mode & OWNER_EXECUTES) === 0 ? FILE_MODE : PROGRAM_MODE);
}
