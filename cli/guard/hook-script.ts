/**
 * Makes the shell scripts that git runs as the guard's hooks. Each script first runs the previous hook: the one that
 * git would run without the guard. It passes on the arguments and the input, and keeps the exit code of a failure.
 * Pure; runs in the CLI process.
 */
import { shellQuote } from "../../shared/shell-quote.js";

/** The mode of the scripts: git runs only hooks that are executable. */
export const SCRIPT_MODE = 0o755;

/** The hooks in which the guard does something. */
export const GUARD_HOOKS = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"] as const;
export type GuardHook = (typeof GUARD_HOOKS)[number];

/**
 * The hooks for which the guard always installs a script that only runs the previous hook. A hook that is added to the
 * previous folder later then runs too. The existence of such a script changes nothing else in git.
 */
export const PASSED_HOOKS = [
  "applypatch-msg",
  "pre-applypatch",
  "post-applypatch",
  "pre-merge-commit",
  "pre-rebase",
  "post-checkout",
  "post-merge",
  "pre-push",
  "pre-receive",
  "update",
  "post-receive",
  "post-update",
  "pre-auto-gc",
  "post-rewrite",
  "sendemail-validate",
] as const;

/**
 * The hooks that git runs very often, or whose existence alone changes what git does. The guard installs a script for
 * such a hook only if the hook already exists.
 */
export const COSTLY_HOOKS = [
  "push-to-checkout",
  "proc-receive",
  "reference-transaction",
  "post-index-change",
  "fsmonitor-watchman",
  "p4-changelist",
  "p4-prepare-changelist",
  "p4-post-changelist",
  "p4-pre-submit",
] as const;

/**
 * The folder of the previous hooks, which git would run without the guard. `none`: there are no previous hooks.
 * `configured`: the folder that the repository's own configuration names. `default`: the folder that the configuration
 * of the user or the system names, or else the repository's normal folder.
 */
export type Previous = { readonly kind: "none" | "default" } | { readonly kind: "configured"; readonly folder: string };

/**
 * Returns shell code that sets `$hook` to the path of the previous hook. A relative path is relative to the folder in
 * which git runs hooks.
 */
function findPrevious(previous: Previous, name: string): string {
  if (previous.kind === "none") return "hook=\n";
  if (previous.kind === "configured") return `hook=${shellQuote(previous.folder)}/${name}\n`;
  return `folder=$(git config --show-scope --type=path --get-all core.hooksPath 2>/dev/null |
  sed -n -e 's/^system\t//p' -e 's/^global\t//p' | tail -n 1)
[ -n "$folder" ] || folder=$(git rev-parse --git-common-dir)/hooks
hook=$folder/${name}
`;
}

const FIND_KOOR = `koor=$(command -v koor || command -v koor-cli) || exit `;

/** The guard's own shell code for each of its hooks. It runs after the previous hook. */
const GUARD_PARTS: Readonly<Record<GuardHook, (isStrict: boolean) => string>> = {
  "pre-commit": (isStrict) => `${FIND_KOOR}0
"$koor" guard check --staged${isStrict ? " --strict" : ""}
case $? in
1) exit 1 ;;
3) exit ${isStrict ? 3 : 0} ;;
esac
exit 0
`,
  "prepare-commit-msg": () => `${FIND_KOOR}0
KOOR_GUARD_GIT=$PPID "$koor" guard trailer "$@" || :
exit 0
`,
  // Adds the trailers that `prepare-commit-msg` could not add. That hook adds none to an empty message, which the user
  // then writes in an editor.
  "commit-msg": () => `[ "$GIT_EDITOR" = : ] && exit 0
grep -q '^Koor-Fence: ' "$1" && exit 0
${FIND_KOOR}0
KOOR_GUARD_GIT=$PPID "$koor" guard trailer "$1" || :
exit 0
`,
  "post-commit": () => `${FIND_KOOR}$code
"$koor" guard committed >/dev/null || :
exit $code
`,
};

function header(what: string): string {
  return `#!/bin/sh\n# ${what} Made by "koor guard install"; "koor guard uninstall" removes it.\n`;
}

/** Returns the script for a hook in which the guard does something. */
export function guardScript(name: GuardHook, previous: Previous, isStrict: boolean): string {
  const stops = name === "post-commit" ? "" : "[ $code -eq 0 ] || exit $code\n";
  const first = `${findPrevious(previous, name)}code=0
if [ -n "$hook" ] && [ -f "$hook" ] && [ -x "$hook" ]; then "$hook" "$@"; code=$?; fi
${stops}`;
  return header("Koor's guard: docs/guard.md of Koor.") + first + GUARD_PARTS[name](isStrict);
}

/** Returns a script that only runs the previous hook. */
export function passingScript(name: string, previous: Previous): string {
  const rest = `[ -f "$hook" ] && [ -x "$hook" ] || exit 0\nexec "$hook" "$@"\n`;
  return header("Runs the hook that git would run without Koor's guard.") + findPrevious(previous, name) + rest;
}
