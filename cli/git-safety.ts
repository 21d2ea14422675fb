/**
 * Prevents git from running programs that a repository's configuration names. A project may come from other people,
 * including its `.git`. Pure; runs in the CLI process.
 */

/**
 * The first options of every git command. They turn off the file system monitor and the check of signatures, because
 * both can run a program.
 */
export const SAFE_OPTIONS = ["-c", "core.fsmonitor=false", "-c", "log.showSignature=false"] as const;
/**
 * The options of commands that may write the index. They turn off hooks, because git runs a hook after such a write.
 */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"] as const;

/** The variables that direct git to another repository or index. git sets them for its hooks. */
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
 * Returns an environment in which git fetches no missing objects from a remote. A fetch could run programs that the
 * configuration names. Versions of git before 2.44 know only the second variable.
 */
export function safeEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };
}
