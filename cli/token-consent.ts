/**
 * Asks the person at the terminal whether a token may go to a server that only a folder's files name, and remembers the
 * answer in the user's own settings. Runs in the command line's process, before anything is sent.
 */
import { readSync, writeSync } from "node:fs";

import { escapeHidden } from "../schemas/visible-text.js";
import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure } from "./failure.js";
import { warn as note } from "./output.js";
import { parseSettingsText } from "./settings-file.js";

const STDIN = 0;
const STDERR = 2;
const ANSWER_BYTES_MAX = 256;
/** How often a terminal that does not block is looked at. */
const POLL_MS = 20;
/** The file holds tokens. */
const SETTINGS_MODE = 0o600;

/** Whether the person agrees; undefined where there is no terminal to ask at. */
export function askForConsent(question: string): boolean | undefined {
  // Only this question needs the module; every command would load it.
  const { isatty } = process.getBuiltinModule("node:tty");
  if (!isatty(STDIN) || !isatty(STDERR)) return undefined;
  writeSync(STDERR, `koor: ${escapeHidden(question)} [y/N] `);
  return /^y(es)?\s*$/i.test(readLine());
}

/** What the person types, up to Enter; "" where nothing can be read. Blocks until then. */
function readLine(): string {
  const line = Buffer.alloc(ANSWER_BYTES_MAX);
  const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (;;) {
    try {
      return line.toString("utf8", 0, readSync(STDIN, line));
    } catch (error) {
      // Node has made the terminal non-blocking where it writes to it, and reading is from the same one.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return "";
      Atomics.wait(sleeper, 0, 0, POLL_MS);
    }
  }
}

/** Adds servers to those that the user trusts; a file that cannot be written is told of, and asked about again. */
export function rememberTrust(path: string, servers: readonly string[]): void {
  try {
    const place = { path, name: path };
    const file = resolveForWriting(place);
    if (file instanceof CliFailure) return note(file.message);
    const text = readTextFile(place) ?? "{}";
    const members = text instanceof CliFailure ? text : parseSettingsText(text, path);
    if (members instanceof CliFailure) return note(members.message);
    const { trusted_servers: known } = members;
    const trusted = [...new Set([...(Array.isArray(known) ? (known as unknown[]) : []), ...servers])];
    replaceFileInFolder(file, `${JSON.stringify({ ...members, trusted_servers: trusted }, null, 2)}\n`, SETTINGS_MODE);
  } catch {
    note(`${path} cannot be written: the next command asks again`);
  }
}
