/**
 * Runs a command line and returns its exit code. Finds the command in the table. Also handles `--version`, `--help` and
 * a command line without a command. Runs in the CLI process, or in a test's process.
 */
import { VERSION } from "../schemas/version.js";
import { findRow, hasUnknownFlag, isFormatFlag, readTokens } from "./command-line.js";
import type { CommandContext, CommandRow } from "./command-row.js";
import { CliFailure } from "./failure.js";
import { io } from "./io.js";
import { loadNounRows } from "./noun-rows.js";
import { print, reportFailure } from "./output.js";
import { readSettings } from "./settings.js";

/**
 * Loads the rows of the command table that are needed to parse a command line. They are the rows of the command's noun.
 * If these rows do not declare all flags of the command line, they are the whole table.
 */
async function loadRows(argv: readonly string[]): Promise<readonly CommandRow[]> {
  const rows = await loadNounRows(argv[0] ?? "");
  if (rows !== undefined && !hasUnknownFlag(argv, rows)) return rows;
  return (await import("./commands.js")).COMMANDS;
}

async function run(argv: readonly string[]): Promise<number | CliFailure> {
  const { program, folder, environment } = io();
  if (argv.find((word) => !isFormatFlag(word)) === "--version")
    return (await print(Buffer.from(`${program} ${VERSION}\n`))) ?? 0;
  const rows = await loadRows(argv);
  const line = readTokens(argv, rows);
  if (line instanceof CliFailure) return line;
  const { words, tokens, pretty, json, fields, noColor, server, context: contextName } = line;
  const row = findRow(words, rows);
  const isHelp = line.help || tokens.length === 0 || words[0] === "help";
  if (isHelp || row === undefined) {
    // The module is loaded only for help and unknown commands, because it loads the whole table.
    const help = await import("./help-command.js");
    if (tokens.length === 0 && !line.help) return await help.printOverview(program);
    if (words[0] === "help") return await help.printHelp(words.slice(1), program);
    return line.help ? await help.printCommandHelp(words, program) : help.describeUnknown(words, tokens, program);
  }
  const context: CommandContext = {
    program,
    folder,
    pretty,
    json,
    fields,
    noColor,
    list: row.list,
    server,
    contextName,
    settings: () => readSettings(folder, environment, { server, context: contextName }),
  };
  // The module is loaded only if a command runs, because help does not need it.
  const { runRow } = await import("./command-class.js");
  return await runRow(row, tokens, context);
}

/** Runs a command line with the streams and environment of `io()`. Returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const outcome = await run(argv);
  return outcome instanceof CliFailure ? reportFailure(outcome) : outcome;
}
