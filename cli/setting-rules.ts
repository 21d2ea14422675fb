/** Checks the values of settings, and has the error messages for invalid ones. Pure; runs in the CLI process. */
import { CLI_SERVERS_MAX } from "../schemas/limits/cli.js";

export const DEFAULT_SERVER = "http://localhost:9800";
/** The permissions of a settings file. Other users of the machine must not be able to read the token in it. */
export const SETTINGS_MODE = 0o600;

export const SERVER_RULE = `server must be an http:// or https:// URL, e.g. ${DEFAULT_SERVER}, or up to ${CLI_SERVERS_MAX} with commas between`;
/** Advice for a user whose command reached no server. */
export const START_ADVICE =
  "start it with koor serve, or name another one: --server URL, or koor config set --user server URL";
export const TOKEN_RULE = "token must be visible ASCII characters without spaces";
export const NO_USER_FOLDER = "there is no place for your own settings: set HOME or XDG_CONFIG_HOME";

/** Whether a text can be sent in a header. Only visible ASCII characters are allowed. */
export function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}
