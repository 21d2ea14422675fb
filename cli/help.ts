/**
 * Formats usage lines, help pages and the overview from the command table. clipanion could format help too, but it
 * names every value `#0` and cannot list the commands of a noun. Pure; runs in the CLI process.
 */
import type { Argument, CommandRow, Flag } from "./command-row.js";
import type { Topic } from "./commands.js";
import { COMMON_FLAGS } from "./common-flags.js";
import { HELP_TOPIC_NAMES } from "./help-topic-names.js";

/** The flags that every command accepts, each with its description, as the help prints them. */
const SHOWN_COMMON_FLAGS = COMMON_FLAGS.map(({ name, short, value, about }) => {
  const flag = short === undefined ? `--${name}` : `${short}, --${name}`;
  return [value === undefined ? flag : `${flag} ${value}`, about] as const;
});

const SETTINGS_NOTE = `\
The server comes from the first of: --server, --context, KOOR_SERVER, KOOR_CONTEXT, the folder's file
(.koor/settings.json or ./settings.json), .koor/project.json, .koor/instance.json, the chosen context (see context use),
your own settings (see config set). The token comes from the same sources, or is KOOR_TOKEN. A token goes only to a
server that you named yourself, or that it was saved with.
A command acts as the instance KOOR_INSTANCE, else as the instance of the client's session (KOOR_SESSION, or the
variable that an agent's client sets), else as the instance in .koor/instance.json here or above (see register).
The workspace is KOOR_WORKSPACE, else that of .koor/project.json, else the repository (see whoami).
The server is http://localhost:9800 unless one is set.
Exit codes: 0 success, 1 refused or leased, 2 wrong usage, 3 failed or the server could not be reached.`;

/** The maximum width of the nouns and verbs in a line of the overview. The whole line then fits 80 columns. */
const OVERVIEW_WIDTH = 64;

function formatArgument(argument: Argument): string {
  const shown = `${argument.shown ?? argument.name}${argument.many || argument.afterDashes ? "…" : ""}`;
  if (argument.afterDashes) return `-- <${shown}>`;
  return argument.optional ? `[${shown}]` : `<${shown}>`;
}

function formatFlag(flag: Flag): string {
  const { name, value, many, valueOptional } = flag;
  const shown = valueOptional ? `[${value}]` : value;
  return value === undefined ? `--${name}` : `--${name} ${shown}${many ? "…" : ""}`;
}

/** Formats the usage line of a command, such as `koor state history <key> [--limit N]`. */
export function formatUsageLine(row: CommandRow, program: string): string {
  const positions = row.arguments ?? [];
  const flags = row.flags ?? [];
  const choices = flags.filter((flag) => row.oneOf?.includes(flag.name));
  const required = flags.filter((flag) => flag.required);
  const others = flags.filter((flag) => !flag.required && !choices.includes(flag));
  return [
    program,
    ...row.words,
    ...positions.filter((argument) => !argument.afterDashes).map(formatArgument),
    ...(choices.length > 0 ? [`(${choices.map(formatFlag).join(" | ")})`] : []),
    ...required.map(formatFlag),
    ...others.map((flag) => `[${formatFlag(flag)}]`),
    ...positions.filter((argument) => argument.afterDashes).map(formatArgument),
  ].join(" ");
}

function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** Formats the help of one command. */
export function formatCommandHelp(row: CommandRow, program: string): string {
  const flags = (row.flags ?? []).map((flag) => [formatFlag(flag), flag.about] as const);
  const examples = row.examples.map((example) => `  ${program} ${example}`).join("\n");
  const usage = `usage: ${formatUsageLine(row, program)}`;
  return `${row.about}\n\n${usage}\n\n${formatPairs([...flags, ...SHOWN_COMMON_FLAGS])}\n\nexamples:\n${examples}\n`;
}

/** Formats the help for several commands: all commands, or those of one noun. */
export function formatHelp(rows: readonly CommandRow[], program: string): string {
  const commands = rows.map((row) => `  ${formatUsageLine(row, program)}\n      ${row.about}`).join("\n");
  const common = formatPairs([...SHOWN_COMMON_FLAGS, ["--version", "without other words: show the version"]]);
  return `Koor: shared state and events for coding agents.\n\n${commands}\n\n${common}\n\n${SETTINGS_NOTE}\n`;
}

/** Joins pieces into as few lines of the given width as possible, and keeps their order. */
function wrap(pieces: readonly string[], between: string, width: number): string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const longer = `${lines.at(-1) ?? ""}${between}${piece}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines;
}

/** Returns a line for each noun of a topic: the noun and its verbs. */
function listNouns(rows: readonly CommandRow[]): string[] {
  const nouns = [...new Set(rows.map(({ words }) => words[0]))].flatMap((noun) => {
    const verbs = rows.filter(({ words }) => words[0] === noun).map(({ words }) => words.slice(1).join(" "));
    const named = verbs.filter((verb) => verb !== "");
    if (named.length === 0) return [noun];
    const some = wrap(named, "|", OVERVIEW_WIDTH - noun.length - " []".length);
    return some.map((text) => (verbs.includes("") ? `${noun} [${text}]` : `${noun} ${text}`));
  });
  return wrap(nouns, ", ", OVERVIEW_WIDTH);
}

/** Formats the overview, which lists each topic with its nouns and their verbs. It fits on one screen. */
export function formatOverview(topics: readonly Topic[], program: string): string {
  const lines = topics.flatMap(({ name, rows }) =>
    listNouns(rows).map((line, at) => [at === 0 ? name : "", line] as const),
  );
  return `Koor: shared state and events for coding agents.

usage: ${program} <command> [arguments] [flags]

${formatPairs(lines)}

${program} <command> --help explains one command, ${program} --help lists them all.
${program} help ${HELP_TOPIC_NAMES.join("|")}
A running server has all documents at http://localhost:9847/docs
`;
}
