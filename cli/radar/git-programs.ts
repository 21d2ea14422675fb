/**
 * Prevents git from running filters and merge drivers. A repository's configuration can name such programs, and another
 * person may have made the repository. Runs in the CLI process.
 */
import { CliFailure, failed } from "../failure.js";
import { decodePath, runGit, splitFields } from "../guard/git.js";
import { io } from "../io.js";

/** Environment variables for git. */
export type Variables = Readonly<Record<string, string>>;

export interface PlainGit {
  /** The environment variables that make git run no such programs. */
  readonly variables: Variables;
  /**
   * Whether the configuration names filters. git would store the output of a filter, so the stored content of some
   * files is unknown.
   */
  readonly hasFilters: boolean;
}

const FILTER = /^filter\.(.*)\.(?:clean|smudge|process|required)$/s;
const DRIVER = /^merge\.(.*)\.(?:name|driver|recursive)$/s;
/** The command that replaces each merge driver. It fails, so git reports a conflict. */
const ALWAYS_CONFLICT = "exit 1";

/**
 * Returns the names of filters or drivers in the names of settings, for example `lfs` in `filter.lfs.clean`. Duplicates
 * are removed.
 */
function namesOf(settings: readonly string[], pattern: RegExp): string[] {
  return [...new Set(settings.map((name) => pattern.exec(name)?.[1]).filter((name) => name !== undefined))];
}

/**
 * Converts git settings to environment variables, for example GIT_CONFIG_KEY_0. Settings that the environment already
 * has stay.
 */
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
 * Finds the filters and merge drivers that a repository's configuration names. Returns an environment that disables
 * them. If a file has a merge driver, a merge of it counts as a conflict, because only the driver knows the result.
 */
export function withoutPrograms(root: string): PlainGit | CliFailure {
  const words = ["config", "-z", "--name-only", "--get-regexp", "^(filter|merge)\\..*\\."];
  const result = runGit(root, words);
  if (result instanceof CliFailure) return result;
  // The exit code is not checked, because git also fails if no setting matches.
  const names: string[] = [];
  for (const field of splitFields(result.output)) {
    const name = decodePath(field);
    // Such a program cannot be disabled, because environment variables must be UTF-8.
    if (name === undefined) return failed("git's configuration names a filter or a merge driver that is not UTF-8");
    names.push(name);
  }
  const filters = namesOf(names, FILTER);
  const settings = [
    ["merge.renormalize", "false"] as const,
    // git prefers the command `process` to the other commands of a filter. An empty one disables the filter.
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
