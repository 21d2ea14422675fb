/**
 * Names and reads the file with the token that hooks send to a server. The file belongs to the user (mode 0600). It has
 * one header line, `Authorization: Bearer …`, so `curl -H @FILE` can read it. `koor init` writes it. `koor-hook` and
 * the command line send the token only to this server. Runs in the CLI process.
 */
import { join } from "node:path";

import { readTextIfAny } from "./regular-file.js";
import { userFolder } from "./user-folder.js";

/** The maximum length of a file name in most file systems. */
const NAME_BYTES_MAX = 255;

/** Returns the URL of a server without a `/` at its end. */
export function addressOf(server: URL): string {
  return server.origin + server.pathname.replace(/\/+$/, "");
}

/** Returns the path of the token file for a server; undefined if the environment does not name the user's folder. */
export function hookTokenPath(
  address: string,
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | undefined {
  const folder = userFolder(environment, platform);
  // Use the whole URL as the name. Two servers then never share a file, so no server gets another one's token.
  const name = `${encodeURIComponent(address)}.header`;
  return folder === undefined || name.length > NAME_BYTES_MAX ? undefined : join(folder, "hooks", name);
}

const LINE = /^Authorization: Bearer ([\x21-\x7e]+)\n$/;

export function formatHookToken(token: string): string {
  return `Authorization: Bearer ${token}\n`;
}

/** Returns the token for a server; undefined if there is no valid file for it. */
export function readHookToken(
  address: string,
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | undefined {
  const path = hookTokenPath(address, environment, platform);
  const text = path === undefined ? undefined : readTextIfAny(path);
  return text === undefined ? undefined : LINE.exec(text)?.[1];
}
