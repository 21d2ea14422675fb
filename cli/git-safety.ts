/**
 * Keeps git from running programs that a repository's configuration names: a repository may come from other people,
 * with its `.git`. Pure; runs in the CLI process.
 */

/** The options that stand before each command of git: no monitor of the file system, no check of signatures. */
export const SAFE_OPTIONS = ["-c", "core.fsmonitor=false", "-c", "log.showSignature=false"] as const;
/** The options of a command that may write the index, which would run a hook. */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"] as const;

/** Variables that direct git to another repository or index. git sets them for its hooks. */
const PLACE_VARIABLES: ReadonlySet<string> = new Set([
  "GIT_DIR",
  "GIT_COMMON_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
]);

/** Returns an environment without the variables that direct git to another repository. */
export function withoutPlace(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !PLACE_VARIABLES.has(name.toUpperCase())));
}

/**
 * Returns an environment in which git gets no missing objects from a remote, because that runs the programs of its
 * transport. The second variable is for versions of git before 2.44.
 */
export function safeEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };
}
