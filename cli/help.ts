/**
 * Usage lines, help pages and the overview, made from the table of commands. (clipanion's own name every
 * value `#0` and cannot list the commands below a noun.) Pure; runs in the command line's process.
 */
import type { Argument, CommandRow, Flag } from "./command-row.js";
import type { Topic } from "./commands.js";

const COMMON_FLAGS: readonly (readonly [string, string])[] = [
  ["--pretty", "indent the answer"],
  ["-h, --help", "show this help"],
];

const SETTINGS_NOTE = `Settings come from ./settings.json (see config set); KOOR_SERVER and KOOR_TOKEN win over it.
Commands act as the instance KOOR_INSTANCE, else as that of .koor/instance.json here or above (see register).
The server is http://localhost:9800 unless one is set.
Exit codes: 0 success, 1 the server refused or could not be reached, 2 wrong usage.`;

function formatArgument(argument: Argument): string {
  const shown = `${argument.shown ?? argument.name}${argument.many || argument.behind_dashes ? "…" : ""}`;
  if (argument.behind_dashes) return `-- <${shown}>`;
  return argument.optional ? `[${shown}]` : `<${shown}>`;
}

function formatFlag(flag: Flag): string {
  return flag.value === undefined ? `--${flag.name}` : `--${flag.name} ${flag.value}`;
}

/** `koor state history <key> [--limit N]` */
export function formatUsageLine(row: CommandRow, program: string): string {
  const positions = row.arguments ?? [];
  const flags = row.flags ?? [];
  const choices = flags.filter((flag) => row.one_of?.includes(flag.name));
  const required = flags.filter((flag) => flag.required);
  const others = flags.filter((flag) => !flag.required && !choices.includes(flag));
  return [
    program,
    ...row.words,
    ...positions.filter((argument) => !argument.behind_dashes).map(formatArgument),
    ...(choices.length > 0 ? [`(${choices.map(formatFlag).join(" | ")})`] : []),
    ...required.map(formatFlag),
    ...others.map((flag) => `[${formatFlag(flag)}]`),
    ...positions.filter((argument) => argument.behind_dashes).map(formatArgument),
  ].join(" ");
}

function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** The help of one command. */
export function formatCommandHelp(row: CommandRow, program: string): string {
  const flags = (row.flags ?? []).map((flag) => [formatFlag(flag), flag.about] as const);
  return `${row.about}\n\nusage: ${formatUsageLine(row, program)}\n\n${formatPairs([...flags, ...COMMON_FLAGS])}\n`;
}

/** The help of several commands: all of them, or those below a noun. */
export function formatHelp(rows: readonly CommandRow[], program: string): string {
  const commands = rows.map((row) => `  ${formatUsageLine(row, program)}\n      ${row.about}`).join("\n");
  const common = formatPairs([...COMMON_FLAGS, ["--version", "as the only word: show the version"]]);
  return `Koor: shared state and events for coding agents.\n\n${commands}\n\n${common}\n\n${SETTINGS_NOTE}\n`;
}

/** The commands of a topic without their arguments: a line for each noun that has verbs, one for all other words. */
function listNouns(rows: readonly CommandRow[]): string[] {
  const alone: string[] = [];
  const lines: string[] = [];
  for (const noun of new Set(rows.map(({ words }) => words[0]))) {
    const verbs = rows.filter(({ words }) => words[0] === noun).map(({ words }) => words.slice(1).join(" "));
    const named = verbs.filter((verb) => verb !== "").join("|");
    if (named === "") alone.push(noun);
    else lines.push(verbs.includes("") ? `${noun} [${named}]` : `${noun} ${named}`);
  }
  return alone.length === 0 ? lines : [alone.join(", "), ...lines];
}

/** What there is, on less than a screen: each topic with its nouns and their verbs. */
export function formatOverview(topics: readonly Topic[], program: string): string {
  const lines = topics.flatMap(({ name, rows }) =>
    listNouns(rows).map((line, at) => [at === 0 ? name : "", line] as const),
  );
  return `Koor: shared state and events for coding agents.

usage: ${program} <command> [arguments] [flags]

${formatPairs(lines)}

${program} <command> --help explains one command, ${program} --help lists them all.
`;
}
