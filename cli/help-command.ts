/**
 * Prints the help: the overview, a noun, one command or a topic. Also makes the failure for an unknown command. The
 * module is loaded only in these cases, because it needs the whole command table. Runs in the CLI process.
 */
import { findRow, findRowsBelow } from "./command-line.js";
import { COMMANDS, TOPICS } from "./commands.js";
import { wrongUsage, type CliFailure, type ExitCode } from "./failure.js";
import { HELP_TOPIC_NAMES, isHelpTopic } from "./help-topic-names.js";
import { formatCommandHelp, formatHelp, formatOverview } from "./help.js";
import { suggest } from "../shared/nearest.js";
import { print } from "./output.js";

async function printText(text: string): Promise<ExitCode | CliFailure> {
  return (await print(Buffer.from(text))) ?? 0;
}

function listNouns(): readonly string[] {
  return ["help", ...COMMANDS.map(({ words }) => words[0])];
}

/** Prints the overview of all commands. */
export async function printOverview(program: string): Promise<ExitCode | CliFailure> {
  return await printText(formatOverview(TOPICS, program));
}

/**
 * Prints the help for the words after `help`, which name a command, a noun or a topic. Without words, prints the
 * overview.
 */
export async function printHelp(words: readonly string[], program: string): Promise<ExitCode | CliFailure> {
  const [word] = words;
  if (word === undefined) return await printOverview(program);
  if (words.length === 1 && isHelpTopic(word)) {
    // Load the module only for a topic.
    const { formatTopic } = await import("./help-topics.js");
    return await printText(formatTopic(word, program));
  }
  return await printCommandHelp(words, program);
}

/** Prints the help of the commands that begin with these words. Without words, prints the help of all commands. */
export async function printCommandHelp(words: readonly string[], program: string): Promise<ExitCode | CliFailure> {
  const rows = findRowsBelow(words, COMMANDS);
  const row = findRow(words, COMMANDS);
  if (row && rows.length <= 1) return await printText(formatCommandHelp(row, program));
  if (rows.length > 0) return await printText(formatHelp(rows, program));
  const [word = ""] = words;
  const meant = words.length === 1 ? suggest(word, [...listNouns(), ...HELP_TOPIC_NAMES]) : "";
  return wrongUsage(`no such command or topic: ${words.join(" ")}${meant}`, `see ${program} --help`);
}

const VERSION_FLAG = "--version";

/**
 * Returns the failure for an unknown command. It lists the commands of the same noun.
 * @param tokens the command line, also with its flags
 */
export function describeUnknown(words: readonly string[], tokens: readonly string[], program: string): CliFailure {
  const see = `see ${program} --help`;
  const [noun] = words;
  if (noun === undefined) {
    const flag = tokens.find((token) => token !== "--") ?? "";
    return wrongUsage(`a command is required${/^-v$/i.test(flag) ? `: did you mean ${VERSION_FLAG}?` : ""}`, see);
  }
  const verbs = findRowsBelow([noun], COMMANDS).map((row) => row.words.slice(1).join(" "));
  if (verbs.length === 0) {
    const meant = `--${noun}` === VERSION_FLAG ? `: did you mean ${VERSION_FLAG}?` : suggest(noun, listNouns());
    return wrongUsage(`no such command: ${noun}${meant}`, see);
  }
  const has = `${noun} has: ${verbs.join(", ")}`;
  if (words.length === 1) return wrongUsage(`${noun} needs a word more`, has);
  const meant = suggest(words[1] ?? "", verbs);
  return wrongUsage(`no such command: ${words.slice(0, 2).join(" ")}${meant}`, has);
}
