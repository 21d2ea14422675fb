/**
 * Reads the bytes of a settings file, up to a limit. Runs on the front, at the start. A file that the operator names
 * may be a pipe. The file in the current folder must be a regular file, because others may have put it there.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { SETTINGS_BYTES_MAX } from "../../schemas/limits/process.js";

/** Opening a FIFO with this flag does not wait for its writer. Windows has no such flag. */
const READ_AT_ONCE = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/**
 * Returns the text of the file, or the reason why it is not read. Throws the system's error if the file cannot be read,
 * also if there is none.
 * @param isNamed whether the operator has named the file
 */
export function readSettingsText(path: string, isNamed: boolean): { text: string } | { problem: string } {
  const file = openSync(path, isNamed ? constants.O_RDONLY : READ_AT_ONCE);
  try {
    const info = fstatSync(file);
    if (info.isDirectory()) return { problem: "it is a directory" };
    if (!isNamed && !info.isFile()) return { problem: "it is not a regular file" };
    const bytes = Buffer.allocUnsafe(SETTINGS_BYTES_MAX + 1);
    let used = 0;
    for (;;) {
      const count = readSync(file, bytes, used, bytes.length - used, null);
      used += count;
      if (used > SETTINGS_BYTES_MAX) return { problem: `it is larger than ${SETTINGS_BYTES_MAX} bytes` };
      if (count === 0) return { text: bytes.toString("utf8", 0, used) };
    }
  } finally {
    closeSync(file);
  }
}
