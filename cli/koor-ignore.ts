/**
 * Keeps files with tokens in `.koor/` out of git. A `.gitignore` that another program or person has written stays as it
 * is. Runs in the CLI process.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTextFile, replaceFile } from "./config-file.js";
import { errorCodeOf } from "./system-error.js";

const MODE = 0o644;
/** Makes git ignore the instance file and the `.gitignore` itself. */
const INSTANCE_ONLY = "/instance.json*\n/.gitignore\n";
const WITH_SETTINGS = "/instance.json*\n/settings.json*\n/.gitignore\n";

/**
 * Creates the `.gitignore` of a `.koor/` folder, or adds the settings file to the one that Koor has created. Returns
 * false if another one is there. Throws the system's error.
 * @param hasSettingsToken whether `settings.json` has a token. Without one, a team may share the file.
 */
export function ignoreTokens(koorFolder: string, hasSettingsToken: boolean): boolean {
  const path = join(koorFolder, ".gitignore");
  try {
    writeFileSync(path, hasSettingsToken ? WITH_SETTINGS : INSTANCE_ONLY, { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
    const found = readTextFile({ path, name: path, root: koorFolder });
    if (found === INSTANCE_ONLY && hasSettingsToken) replaceFile(path, WITH_SETTINGS, MODE);
    return found === INSTANCE_ONLY || found === WITH_SETTINGS;
  }
}
