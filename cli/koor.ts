/**
 * The command line (`koor`, `koor-cli`): finds the command in the table, answers `--version`, `--help` and
 * a line without a command, hands `serve` to the server, and sets the exit code. The process ends by itself
 * when nothing is left to do, so that output is never cut off.
 */
import { basename } from "node:path";

import { VERSION } from "../schemas/version.js";
import { findRow, findRowsBelow, isLayoutFlag, readTokens } from "./command-line.js";
import type { CommandContext } from "./command-row.js";
import { COMMANDS, TOPICS } from "./commands.js";
import { startServer } from "./commands/serve.js";
import { CliFailure, wrongUsage, type ExitCode } from "./failure.js";
import { formatCommandHelp, formatHelp, formatOverview } from "./help.js";
import { print, reportFailure } from "./output.js";
import { readSettings } from "./settings.js";

async function printText(text: string): Promise<ExitCode | CliFailure> {
  return (await print(Buffer.from(text))) ?? 0;
}

async function printHelp(words: readonly string[], program: string): Promise<ExitCode | CliFailure> {
  const rows = findRowsBelow(words, COMMANDS);
  const row = findRow(words, COMMANDS);
  if (row && rows.length <= 1) return await printText(formatCommandHelp(row, program));
  if (rows.length > 0) return await printText(formatHelp(rows, program));
  return wrongUsage(`no such command: ${words.join(" ")}`, `see ${program} --help`);
}

/** Why no row of the table fits, with what would. */
function describeUnknown(words: readonly string[], program: string): CliFailure {
  const [noun] = words;
  if (noun === undefined) return wrongUsage("a command is required", `see ${program} --help`);
  const verbs = findRowsBelow([noun], COMMANDS).map((row) => row.words.slice(1).join(" "));
  if (verbs.length === 0) return wrongUsage(`no such command: ${noun}`, `see ${program} --help`);
  return wrongUsage(`no such command: ${words.slice(0, 2).join(" ")}`, `${noun} has: ${verbs.join(", ")}`);
}

async function run(argv: readonly string[], program: string): Promise<number | CliFailure> {
  if (argv.find((word) => !isLayoutFlag(word)) === "--version") return await printText(`${program} ${VERSION}\n`);
  const line = readTokens(argv, COMMANDS);
  if (line instanceof CliFailure) return line;
  const { words, tokens, pretty, server } = line;
  if (tokens.length === 0 && !line.help) return await printText(formatOverview(TOPICS, program));
  if (words[0] === "help") return await printHelp(words.slice(1), program);
  if (line.help) return await printHelp(words, program);
  const row = findRow(words, COMMANDS);
  if (!row) return describeUnknown(words, program);
  const folder = process.cwd();
  const context: CommandContext = {
    program,
    folder,
    pretty,
    settings: () => readSettings(folder, process.env, server),
  };
  // What only a command needs is loaded here: help and version do without.
  const { runRow } = await import("./command-class.js");
  return await runRow(row, tokens, context);
}

const argv = process.argv.slice(2);
const program = basename(process.argv[1] ?? "").startsWith("koor-cli") ? "koor-cli" : "koor";
if (argv[0] === "serve") {
  await startServer(argv.slice(1));
} else {
  const outcome = await run(argv, program);
  process.exitCode = outcome instanceof CliFailure ? reportFailure(outcome) : outcome;
}
