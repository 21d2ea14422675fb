/**
 * Writes the shell scripts that git runs as the guard's hooks. Each runs the hook that git would run without the guard
 * first, with its arguments, its input and its exit code. Pure; runs in the CLI process.
 */
import { shellQuote } from "../../shared/shell-quote.js";

/** Git runs a hook only if it is executable. */
export const SCRIPT_MODE = 0o755;

/** The hooks in which the guard itself acts. */
export const GUARD_HOOKS = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"] as const;
export type GuardHook = (typeof GUARD_HOOKS)[number];

/** The other hooks of git that only run something. They are passed on, also if they are added later. */
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
 * The hooks whose mere presence changes what git does, or which git runs very often. They are passed on if they exist
 * when the guard is installed.
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
 * Where git looks for hooks without the guard. `none`: the guard's hooks stand in that place, and there are no others.
 * `configured`: in the folder that the repository's own configuration names. `default`: in the folder of the user's or
 * the system's configuration, else in the repository's own.
 */
export type Previous = { readonly kind: "none" | "default" } | { readonly kind: "configured"; readonly folder: string };

/** Sets `$hook` to the path of the previous hook. A relative folder begins where git runs hooks, as it does for git. */
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

/** The commands of the guard in each of its hooks, which run after the previous hook. */
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
  // A message that was written in an editor may lack the lines that the hook above adds to the others.
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

/** Returns the script of one of the guard's own hooks. */
export function guardScript(name: GuardHook, previous: Previous, isStrict: boolean): string {
  const stops = name === "post-commit" ? "" : "[ $code -eq 0 ] || exit $code\n";
  const first = `${findPrevious(previous, name)}code=0
if [ -n "$hook" ] && [ -f "$hook" ] && [ -x "$hook" ]; then "$hook" "$@"; code=$?; fi
${stops}`;
  return header("Koor's guard: docs/guard.md of Koor.") + first + GUARD_PARTS[name](isStrict);
}

/** Returns the script that only runs a previous hook. */
export function passingScript(name: string, previous: Previous): string {
  const rest = `[ -f "$hook" ] && [ -x "$hook" ] || exit 0\nexec "$hook" "$@"\n`;
  return header("Runs the hook that git would run without Koor's guard.") + findPrevious(previous, name) + rest;
}
