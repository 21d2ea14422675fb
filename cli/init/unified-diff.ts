/**
 * Formats file changes as a unified diff for `--dry-run`. Tokens are replaced by a placeholder. Pure; runs in the CLI
 * process.
 */
import { createTwoFilesPatch } from "diff";

import type { FileChange } from "./file-change.js";

const NO_FILE = "/dev/null";
/** Matches the token after the word `Bearer`, but not a reference to a variable. */
const BEARER = /(\bBearer )[^\s"'${]+/g;

/**
 * Formats the diff.
 * @param token the user's token, which is replaced too because a file may already contain it
 */
export function formatDiff(changes: readonly FileChange[], token: string): string {
  const text = changes
    .map(({ name, before, after }) => {
      const old = before === undefined ? NO_FILE : `a/${name}`;
      const now = after === undefined ? NO_FILE : `b/${name}`;
      const patch = createTwoFilesPatch(old, now, before?.toString("utf8") ?? "", after?.toString("utf8") ?? "");
      return patch.replace(/^=+\n/, "");
    })
    .join("");
  const masked = text.replaceAll(BEARER, "$1…");
  return token === "" ? masked : masked.replaceAll(token, "…");
}
