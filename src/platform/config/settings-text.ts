/**
 * Reads the text of a settings file, up to a limit of bytes. If the operator has named the file, it may be a pipe. If
 * the server has found the file in the current folder, it must be a regular file, because another user may have put it
 * there. Runs on the front, at the start.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { SETTINGS_BYTES_MAX } from "../../../schemas/limits/process.js";

/**
 * The flags for opening a file that the operator has not named. `O_NONBLOCK` is needed because opening a FIFO would
 * otherwise wait for a writer. Windows does not have this flag.
 */
const READ_AT_ONCE = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/**
 * Returns the text of the file, or the reason why it is not accepted. Throws the system's error if the file does not
 * exist or cannot be read.
 * @param isNamed whether the operator has named the file. Otherwise it was found in the current folder.
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
