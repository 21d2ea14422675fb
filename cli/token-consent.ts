/**
 * Asks the user whether a token may be sent to a server that only the folder's files name. Asks before the first
 * request, and stores the consent in the user's own settings. Runs in the CLI process.
 */
import { readSync, writeSync } from "node:fs";

import { escapeHidden } from "../schemas/visible-text.js";
import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure } from "./failure.js";
import { warn } from "./output.js";
import { parseSettingsText } from "./settings-file.js";

const STDIN = 0;
const STDERR = 2;
const ANSWER_BYTES_MAX = 256;
/** The interval at which input is polled if the terminal is non-blocking. */
const POLL_MS = 20;
/** The permissions of the user's settings. Only the user may read them, because they may contain tokens. */
const SETTINGS_MODE = 0o600;

/**
 * Asks a yes-or-no question on the terminal. Returns whether the answer is yes. Returns undefined if stdin or stderr is
 * not a terminal.
 */
export function askForConsent(question: string): boolean | undefined {
  // The module is loaded only for a question. With a static import, every command would load it.
  const { isatty } = process.getBuiltinModule("node:tty");
  if (!isatty(STDIN) || !isatty(STDERR)) return undefined;
  writeSync(STDERR, `koor: ${escapeHidden(question)} [y/N] `);
  return /^y(es)?\s*$/i.test(readLine());
}

/** Reads a line from the terminal, and blocks until it is complete. Returns "" if stdin cannot be read. */
function readLine(): string {
  const line = Buffer.alloc(ANSWER_BYTES_MAX);
  const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (;;) {
    try {
      return line.toString("utf8", 0, readSync(STDIN, line));
    } catch (error) {
      // EAGAIN means that there is no input yet. It occurs because Node makes a terminal non-blocking when it writes to
      // it.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return "";
      Atomics.wait(sleeper, 0, 0, POLL_MS);
    }
  }
}

/**
 * Adds servers to `trusted_servers` in the user's settings. A failure is only a warning, because the next command asks
 * again.
 */
export function rememberTrust(path: string, servers: readonly string[]): void {
  try {
    const place = { path, name: path };
    const file = resolveForWriting(place);
    if (file instanceof CliFailure) return warn(file.message);
    const text = readTextFile(place) ?? "{}";
    const members = text instanceof CliFailure ? text : parseSettingsText(text, path);
    if (members instanceof CliFailure) return warn(members.message);
    const { trusted_servers: known } = members;
    const trusted = [...new Set([...(Array.isArray(known) ? (known as unknown[]) : []), ...servers])];
    replaceFileInFolder(file, `${JSON.stringify({ ...members, trusted_servers: trusted }, null, 2)}\n`, SETTINGS_MODE);
  } catch {
    warn(`${path} cannot be written: the next command asks again`);
  }
}
