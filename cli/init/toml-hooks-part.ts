/**
 * Adds and removes Koor's hooks in Kimi Code's TOML file. Each event has a table `[[hooks]]`. Pure; runs in the CLI
 * process.
 */
import { refused, type CliFailure } from "../failure.js";
import { memberAt } from "../json-edit.js";
import { appendTable, cutTables, findTables, tomlValue, type TableSpan } from "../toml-tables.js";
import { isKoorHook } from "./hook-command.js";
import type { Part } from "./part.js";

const HOOKS = "hooks";

export interface TomlHooks {
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  readonly events: readonly string[];
  readonly command: string;
  readonly timeoutS: number;
}

function linesOf(event: string, { command, timeoutS }: TomlHooks): readonly string[] {
  return [
    `[[${HOOKS}]]`,
    `event = ${JSON.stringify(event)}`,
    `command = ${JSON.stringify(command)}`,
    `timeout = ${timeoutS}`,
  ];
}

/** Returns the indexes of Koor's tables in the array `hooks`. */
function indexesOfOurs(text: string): ReadonlySet<number> {
  const hooks = memberAt(tomlValue(text), HOOKS);
  const all = Array.isArray(hooks) ? (hooks as readonly unknown[]) : [];
  return new Set(all.flatMap((hook, at) => (isKoorHook(memberAt(hook, "command")) ? [at] : [])));
}

/** Returns the positions of Koor's tables in the text; undefined if the text is not TOML. */
function findOurs(text: string): readonly TableSpan[] | undefined {
  const all = findTables(text, () => true);
  if (all === undefined) return undefined;
  const ours = indexesOfOurs(text);
  return findTables(text, ([name, at]) => name === HOOKS && typeof at === "number" && ours.has(at));
}

function notToml(name: string): CliFailure {
  return refused(`${name} is not valid TOML, and stays as it is`);
}

export function tomlHooksPart(hooks: TomlHooks): Part {
  const { name, events, command, timeoutS } = hooks;
  const isComplete = (text: string): boolean => {
    const value = memberAt(tomlValue(text), HOOKS);
    const ours = [...indexesOfOurs(text)].map((at) => (value as readonly unknown[])[at]);
    if (ours.length !== events.length) return false;
    return ours.every(
      (hook, at) =>
        memberAt(hook, "event") === events[at] &&
        memberAt(hook, "command") === command &&
        memberAt(hook, "timeout") === timeoutS,
    );
  };
  return {
    put: (text) => {
      const ours = findOurs(text);
      if (ours === undefined) return notToml(name);
      if (isComplete(text)) return text;
      let edited = cutTables(text, ours);
      for (const event of events) edited = appendTable(edited, linesOf(event, hooks));
      // The result is parsed again. It is invalid if `hooks` already exists as an inline array or as a single table.
      if (findTables(edited, () => true) !== undefined && isComplete(edited)) return edited;
      return refused(`${name} defines ${HOOKS} in a form that cannot be added to: make it tables [[${HOOKS}]]`);
    },
    take: (text) => {
      const ours = findOurs(text);
      return ours === undefined ? notToml(name) : cutTables(text, ours);
    },
    containers: () => [],
  };
}
