/**
 * Adds the server of `init --join` to the user's own settings, so that the user's token may be sent to it. This module
 * only plans the change. Runs in the CLI process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { CliFailure, refused } from "../failure.js";
import { memberAt, parseCommented, setMember } from "../json-edit.js";
import { parseServers } from "../server-list.js";
import { userSettingsPath } from "../settings-file.js";
import type { FileChange } from "./file-change.js";
import { encodeLike, readState } from "./file-state.js";
import { startOf } from "./json-text-part.js";

const SETTINGS_MODE = 0o600;

function hrefsOf(text: unknown): readonly string[] {
  return typeof text === "string" ? (parseServers(text) ?? []).map(({ href }) => href) : [];
}

/** Returns the change; undefined if the settings already name the server. */
export function planUserServer(servers: string, environment: NodeJS.ProcessEnv): FileChange | undefined | CliFailure {
  const path = userSettingsPath(environment, process.platform);
  if (path === undefined) return refused("there is no place for your own settings: set HOME or XDG_CONFIG_HOME");
  const state = readState({ path, name: path });
  if (state instanceof CliFailure) return state;
  const start = startOf(state.text);
  const file = parseCommented(start);
  if (!isJsonObject(file)) return refused(`${path} must hold a JSON object, and stays as it is`);
  const trusted = memberAt(file, "trusted_servers");
  const named = Array.isArray(trusted) ? trusted.filter((one) => typeof one === "string") : [];
  const known = new Set([file["server"], ...named].flatMap(hrefsOf));
  const missing = hrefsOf(servers).filter((href) => !known.has(href));
  if (missing.length === 0) return undefined;
  const text = file["server"]
    ? setMember(start, ["trusted_servers"], [...named, ...missing])
    : setMember(start, ["server"], servers);
  if (text === undefined) return refused(`${path} has server or trusted_servers twice, and stays as it is`);
  return {
    name: path,
    real: state.real,
    before: state.bytes,
    after: encodeLike(state, text),
    mode: SETTINGS_MODE,
    isModeFixed: true,
  };
}
