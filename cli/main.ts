/**
 * Runs a command line and returns its exit code. Finds the command in the table. Also handles `--version`, `--help` and
 * a command line without a command. Runs in the CLI process, or in a test's process.
 */
import { VERSION } from "../schemas/version.js";
import { findRow, findRowsBelow, isFormatFlag, readTokens } from "./command-line.js";
import type { CommandContext } from "./command-row.js";
import { COMMANDS, TOPICS } from "./commands.js";
import { CliFailure, wrongUsage, type ExitCode } from "./failure.js";
import { HELP_TOPIC_NAMES, isHelpTopic, type HelpTopicName } from "./help-topic-names.js";
import { formatCommandHelp, formatHelp, formatOverview } from "./help.js";
import { io } from "./io.js";
import { print, reportFailure } from "./output.js";
import { suggest } from "./nearest.js";
import { readSettings } from "./settings.js";

async function printText(text: string): Promise<ExitCode | CliFailure> {
  return (await print(Buffer.from(text))) ?? 0;
}

async function printHelp(words: readonly string[], program: string): Promise<ExitCode | CliFailure> {
  const rows = findRowsBelow(words, COMMANDS);
  const row = findRow(words, COMMANDS);
  if (row && rows.length <= 1) return await printText(formatCommandHelp(row, program));
  if (rows.length > 0) return await printText(formatHelp(rows, program));
  const [word = ""] = words;
  const meant = words.length === 1 ? suggest(word, [...listNouns(), ...HELP_TOPIC_NAMES]) : "";
  return wrongUsage(`no such command or topic: ${words.join(" ")}${meant}`, `see ${program} --help`);
}

function listNouns(): readonly string[] {
  return COMMANDS.map(({ words }) => words[0]);
}

/** Returns the text of a topic of the help, with the program's name. */
async function formatTopic(topic: HelpTopicName, program: string): Promise<string> {
  // Only this help needs the module.
  const topics = await import("./help-topics.js");
  return topics.formatTopic(topic, program);
}

/** Returns the failure for words that name no command. It lists the commands of the same noun. */
function describeUnknown(words: readonly string[], program: string): CliFailure {
  const [noun] = words;
  if (noun === undefined) return wrongUsage("a command is required", `see ${program} --help`);
  const verbs = findRowsBelow([noun], COMMANDS).map((row) => row.words.slice(1).join(" "));
  if (verbs.length === 0)
    return wrongUsage(`no such command: ${noun}${suggest(noun, listNouns())}`, `see ${program} --help`);
  const meant = suggest(words[1] ?? "", verbs);
  return wrongUsage(`no such command: ${words.slice(0, 2).join(" ")}${meant}`, `${noun} has: ${verbs.join(", ")}`);
}

async function run(argv: readonly string[]): Promise<number | CliFailure> {
  const { program, folder, environment } = io();
  if (argv.find((word) => !isFormatFlag(word)) === "--version") return await printText(`${program} ${VERSION}\n`);
  const line = readTokens(argv, COMMANDS);
  if (line instanceof CliFailure) return line;
  const { words, tokens, pretty, json, fields, noColor, server, context: contextName } = line;
  if (tokens.length === 0 && !line.help) return await printText(formatOverview(TOPICS, program));
  const [first, topic] = words;
  if (first === "help" && words.length === 2 && isHelpTopic(topic))
    return await printText(await formatTopic(topic, program));
  if (first === "help") return await printHelp(words.slice(1), program);
  if (line.help) return await printHelp(words, program);
  const row = findRow(words, COMMANDS);
  if (!row) return describeUnknown(words, program);
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
  // Load the modules for commands only here, so that help and version start fast.
  const { runRow } = await import("./command-class.js");
  return await runRow(row, tokens, context);
}

/** Runs a command line with the streams and environment of `io()`. Returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const outcome = await run(argv);
  return outcome instanceof CliFailure ? reportFailure(outcome) : outcome;
}
