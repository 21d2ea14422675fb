/**
 * Names the file with the token that hooks send to a server. It is one of the user's own files, has mode 0600, and
 * contains one header line: `Authorization: Bearer …`. It is empty if the server needs no token. `curl -H @FILE` reads
 * it, and so does `koor-hook`, which calls only servers that have such a file. Runs in the CLI process.
 */
import { join } from "node:path";

import { userFolder } from "./user-folder.js";

/** The maximum length of a file's name in most file systems. */
const NAME_BYTES_MAX = 255;

/** Returns the address of a server without a `/` at its end. */
export function addressOf(server: URL): string {
  return server.origin + server.pathname.replace(/\/+$/, "");
}

/** Returns the path of the file for a server; undefined if the environment names no place for the user's own files. */
export function hookTokenPath(
  address: string,
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | undefined {
  const folder = userFolder(environment, platform);
  // Different addresses have different names, so a token never goes to another server.
  const name = `${encodeURIComponent(address)}.header`;
  return folder === undefined || name.length > NAME_BYTES_MAX ? undefined : join(folder, "hooks", name);
}
