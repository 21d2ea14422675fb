/**
 * Keeps git from running the filters and the merge drivers that a repository's configuration names, because a
 * repository may come from other people. Runs in the CLI process.
 */
import { CliFailure, failed } from "../failure.js";
import { decodePath, runGit, splitFields } from "../guard/git.js";
import { io } from "../io.js";

/** Variables for git's environment. */
export type Variables = Readonly<Record<string, string>>;

export interface PlainGit {
  /** The environment in which git runs none of the programs. */
  readonly variables: Variables;
  /** Whether the configuration names filters, so that the content of some files is known only to their programs. */
  readonly hasFilters: boolean;
}

const FILTER = /^filter\.(.*)\.(?:clean|smudge|process|required)$/s;
const DRIVER = /^merge\.(.*)\.(?:name|driver|recursive)$/s;
/** A merge driver that always reports a conflict. */
const ALWAYS_CONFLICT = "exit 1";

/** Returns the middle part of the names of settings that match, each once. */
function namesOf(settings: readonly string[], pattern: RegExp): string[] {
  return [...new Set(settings.map((name) => pattern.exec(name)?.[1]).filter((name) => name !== undefined))];
}

/** Returns git's variables for settings, behind those that the environment has. */
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
 * Reads which programs the configuration of a repository names, and returns an environment without them. A file of
 * which git's own merge knows no result, because a driver merges it, is a conflict then.
 */
export function withoutPrograms(root: string): PlainGit | CliFailure {
  const words = ["config", "-z", "--name-only", "--get-regexp", "^(filter|merge)\\..*\\."];
  const result = runGit(root, words);
  if (result instanceof CliFailure) return result;
  // git also fails if no setting matches.
  const names: string[] = [];
  for (const field of splitFields(result.output)) {
    const name = decodePath(field);
    // Variables of the environment are text, so such a filter could not be replaced.
    if (name === undefined) return failed("git's configuration names a filter or a merge driver that is not UTF-8");
    names.push(name);
  }
  const filters = namesOf(names, FILTER);
  const settings = [
    ["merge.renormalize", "false"] as const,
    // An empty command of the kind `process` replaces all others of a filter.
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
