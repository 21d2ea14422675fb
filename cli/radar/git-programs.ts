/**
 * Prevents git from running the filters and merge drivers that a repository's configuration names, because other people
 * may have made the repository. Runs in the CLI process.
 */
import { CliFailure, failed } from "../failure.js";
import { decodePath, runGit, splitFields } from "../guard/git.js";
import { io } from "../io.js";

/** Environment variables for git. */
export type Variables = Readonly<Record<string, string>>;

export interface PlainGit {
  /** The variables with which git runs no such programs. */
  readonly variables: Variables;
  /**
   * Whether the configuration names filters. The stored contents of some files are then unknown, because only the
   * filter programs could compute them.
   */
  readonly hasFilters: boolean;
}

const FILTER = /^filter\.(.*)\.(?:clean|smudge|process|required)$/s;
const DRIVER = /^merge\.(.*)\.(?:name|driver|recursive)$/s;
/** The command of a merge driver that always reports a conflict. */
const ALWAYS_CONFLICT = "exit 1";

/** Returns the middle part of each setting's name that matches, without duplicates. */
function namesOf(settings: readonly string[], pattern: RegExp): string[] {
  return [...new Set(settings.map((name) => pattern.exec(name)?.[1]).filter((name) => name !== undefined))];
}

/** Converts settings to environment variables of git. They follow the settings that the environment already has. */
function asVariables(settings: readonly (readonly [name: string, value: string])[]): Variables {
  const before = Number(io().environment["GIT_CONFIG_COUNT"]) || 0;
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(before + settings.length) };
  for (const [at, [name, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${before + at}`] = name;
    variables[`GIT_CONFIG_VALUE_${before + at}`] = value;
  }
  return variables;
}

/**
 * Finds the programs that the configuration of a repository names, and returns an environment that disables them. A
 * file that a merge driver would merge then counts as a conflict, because only the driver knows the result.
 */
export function withoutPrograms(root: string): PlainGit | CliFailure {
  const words = ["config", "-z", "--name-only", "--get-regexp", "^(filter|merge)\\..*\\."];
  const result = runGit(root, words);
  if (result instanceof CliFailure) return result;
  // The exit code is not checked, because git also fails if no setting matches.
  const names: string[] = [];
  for (const field of splitFields(result.output)) {
    const name = decodePath(field);
    // Environment variables are UTF-8, so they cannot override the setting of such a filter.
    if (name === undefined) return failed("git's configuration names a filter or a merge driver that is not UTF-8");
    names.push(name);
  }
  const filters = namesOf(names, FILTER);
  const settings = [
    ["merge.renormalize", "false"] as const,
    // An empty `process` command takes precedence over all other commands of a filter.
    ...filters.flatMap((name) => [
      [`filter.${name}.process`, ""] as const,
      [`filter.${name}.required`, "false"] as const,
    ]),
    ...namesOf(names, DRIVER).map((name) => [`merge.${name}.driver`, ALWAYS_CONFLICT] as const),
  ];
  return {
    variables: { ...asVariables(settings), GIT_OPTIONAL_LOCKS: "0" },
    hasFilters: filters.length > 0,
  };
}
