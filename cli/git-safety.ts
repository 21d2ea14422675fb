/**
 * Prevents git from running programs that a repository's configuration names. This is needed because a project may come
 * from other people together with its `.git`. Pure; runs in the CLI process.
 */

/** The options at the start of each git command. They turn off the file system monitor and the check of signatures. */
export const SAFE_OPTIONS = ["-c", "core.fsmonitor=false", "-c", "log.showSignature=false"] as const;
/** The options for commands that may write the index. They turn off hooks, because such a write would run one. */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"] as const;

/** The variables that point git to another repository or index. git sets them for its hooks. */
const PLACE_VARIABLES: ReadonlySet<string> = new Set([
  "GIT_DIR",
  "GIT_COMMON_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
]);

/** Returns an environment without the variables that point git to another repository. */
export function withoutPlace(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !PLACE_VARIABLES.has(name.toUpperCase())));
}

/**
 * Returns an environment in which git does not fetch missing objects from a remote. A fetch would run the programs of
 * the remote's transport. The second variable is for versions of git before 2.44.
 */
export function safeEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };
}
