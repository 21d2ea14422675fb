/** Saves one setting for `config set`, in the folder's settings file or in the user's own. Runs in the CLI process. */
import { basename, dirname, join } from "node:path";

import { readTextFile, replaceFileInFolder, resolveForWriting } from "./config-file.js";
import { CliFailure, failed, refused, wrongUsage } from "./failure.js";
import { KOOR_FOLDER, projectOf } from "./koor-folder.js";
import { ignoreTokens } from "./koor-ignore.js";
import { warn } from "./output.js";
import { adviseScheme, parseServers } from "./server-list.js";
import { isHeaderText, NO_USER_FOLDER, SERVER_RULE, SETTINGS_MODE, TOKEN_RULE } from "./setting-rules.js";
import { folderSettingsPath, parseSettingsText, userSettingsPath, type SettingName } from "./settings-file.js";
import { describeSystemError } from "./system-error.js";

/** Keeps a folder's settings file with a token out of git, or warns about it. */
function keepOutOfGit(path: string, shown: string): void {
  if (basename(dirname(path)) !== KOOR_FOLDER || !ignoreTokens(dirname(path), true))
    warn(`${shown} has the token now: keep it out of git, or save the token in your own file with --user`);
}

/**
 * Saves one setting. The file gets mode 0600, and its other members stay unchanged. Refuses a file that cannot be
 * parsed.
 * @param environment if given, the user's own settings are changed, and the environment says where they are; otherwise
 * the folder's settings are changed
 */
export async function saveSetting(
  folder: string,
  name: SettingName,
  value: string,
  environment?: NodeJS.ProcessEnv,
): Promise<CliFailure | undefined> {
  if (name === "server" && !parseServers(value)) return wrongUsage(SERVER_RULE, adviseScheme(value));
  if (name === "token" && !isHeaderText(value)) return wrongUsage(TOKEN_RULE);
  const shown = environment ? userSettingsPath(environment, process.platform) : folderSettingsPath(folder);
  if (shown === undefined) return wrongUsage(NO_USER_FOLDER);
  try {
    const location = environment
      ? { path: shown, name: shown }
      : { path: join(folder, shown), name: shown, root: projectOf(folder) };
    const path = resolveForWriting(location);
    if (path instanceof CliFailure) return path;
    const text = readTextFile(location) ?? "{}\n";
    if (text instanceof CliFailure) return text;
    const file = parseSettingsText(text, shown);
    if (file instanceof CliFailure) return refused(file.message);
    // The module is loaded here, because only `config set` edits JSON.
    const { setMember } = await import("./json-edit.js");
    const edited = setMember(text, [name], value);
    if (edited === undefined) return refused(`${shown} has ${name} twice, and stays as it is`);
    replaceFileInFolder(path, edited, SETTINGS_MODE);
    if (name === "token" && value !== "" && environment === undefined) keepOutOfGit(path, shown);
    return undefined;
  } catch (error) {
    return failed(`cannot write ${shown}: ${describeSystemError(error)}`);
  }
}
