/** Implements `mcp …`, which connects agents over the Model Context Protocol. Runs in the CLI process. */
import { join } from "node:path";

import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { modeOf, readTextFile, replaceFileInFolder, resolveForWriting, type FileLocation } from "../config-file.js";
import { joinServerPath } from "../exchange.js";
import { CliFailure, failed, wrongUsage, type ExitCode } from "../failure.js";
import { io } from "../io.js";
import { projectOf } from "../koor-folder.js";
import {
  CLIENT_NAMES,
  isClientName,
  mcpClient,
  noteAboutOtherServers,
  noteAboutToken,
  SERVER_NAME,
  TOKEN_VARIABLE,
  type McpClient,
} from "../mcp-clients.js";
import { print, printAnswer } from "../output.js";
import { serversOf } from "../settings.js";
import { describeSystemError } from "../system-error.js";
import { homeFolder } from "../user-folder.js";

/**
 * The file's mode, which lets other users read it. The file names the variable with the token, but does not contain the
 * token.
 */
const CONFIG_MODE = 0o644;

/**
 * Returns the location of a client's file. Returns undefined if the file belongs into the home folder, and no variable
 * names the home folder.
 */
function locate({ place, path }: McpClient, folder: string): FileLocation | undefined {
  if (place === "project") return { path: join(folder, path), name: path, root: projectOf(folder) };
  const home = homeFolder(io().environment, process.platform);
  return home === undefined ? undefined : { path: join(home, path), name: `~/${path}` };
}

async function configure(args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const name = args.need("client");
  if (!isClientName(name)) return wrongUsage(`no such client: ${name} (${CLIENT_NAMES.join(", ")})`);
  const client = mcpClient(name);
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const [server = "", ...others] = serversOf(settings).map((one) => one.origin + joinServerPath(one, ""));
  const connection = {
    server,
    others,
    // Send the user's token only to a server that the user chose. A file in this folder may come from other people, so
    // a server that only such a file names does not count.
    withToken: settings.token !== "" && settings.isUsersServer === true,
    bridged: args.has("stdio"),
  };
  // Load these modules here, because only this command parses TOML and edits JSON.
  const { mergeEntry } = await import("../mcp-merge.js");
  if (!args.has("write")) {
    const text = mergeEntry(client, undefined, connection);
    return text instanceof CliFailure ? text : ((await print(Buffer.from(text))) ?? 0);
  }
  const location = locate(client, context.folder);
  if (location === undefined) return wrongUsage(`${client.path} is in your home folder: set HOME`);
  const merged = writeConfig(location, (text) => mergeEntry(client, text, connection));
  if (merged instanceof CliFailure) return merged;
  const tokenNote = settings.token !== "" && !connection.withToken ? noteAboutToken(connection) : undefined;
  const notes = [client.note?.(connection), noteAboutOtherServers(connection), tokenNote].filter(
    (note) => note !== undefined,
  );
  const summary = {
    written: location.name,
    server: SERVER_NAME,
    url: `${connection.server}/mcp`,
    ...(connection.withToken ? { tokenFrom: TOKEN_VARIABLE } : {}),
    ...(notes.length === 0 ? {} : { note: notes.join("; ") }),
  };
  return (await printAnswer(Buffer.from(JSON.stringify(summary)), context)) ?? 0;
}

function writeConfig(
  location: FileLocation,
  merge: (text: string | undefined) => string | CliFailure,
): CliFailure | undefined {
  try {
    const file = resolveForWriting(location);
    if (file instanceof CliFailure) return file;
    const text = readTextFile(location);
    if (text instanceof CliFailure) return text;
    const merged = merge(text);
    if (merged instanceof CliFailure) return merged;
    if (merged !== text) replaceFileInFolder(file, merged, modeOf(file, CONFIG_MODE));
    return undefined;
  } catch (error) {
    return failed(`cannot write ${location.name}: ${describeSystemError(error)}`);
  }
}

export const MCP_COMMANDS: readonly CommandRow[] = [
  {
    words: ["mcp", "config"],
    about: "Print an MCP client's configuration for this server, or write it into the project.",
    examples: ["mcp config --client codex", "mcp config --client claude --write"],
    flags: [
      { name: "client", kind: "text", value: CLIENT_NAMES.join("|"), about: "the client to configure", required: true },
      {
        name: "write",
        kind: "switch",
        about: "merge it into the client's file, in this folder or your home folder; other servers stay as they are",
      },
      {
        name: "stdio",
        kind: "switch",
        about: "let the client start the bridge (koor-cli mcp stdio) instead of using HTTP",
      },
    ],
    run: configure,
  },
  {
    words: ["mcp", "stdio"],
    about: "Serve MCP on stdin and stdout, for clients that can only start a program.",
    examples: ["mcp stdio"],
    endpoints: ["POST /mcp"],
    run: async (_args, context) => {
      const settings = context.settings();
      if (settings instanceof CliFailure) return settings;
      const { bridge } = await import("../mcp-bridge.js");
      return await bridge(settings, io().stdin());
    },
  },
];
