/**
 * Finds the files that a patch changes. The patch has the format of the tool `apply_patch`, which several clients have.
 * In this format, a header such as `*** Update File: src/a.ts` begins the changes of each file. This code calls the
 * `***` of a header a mark. Pure.
 */
import { HOOK_PATCH_MARKS_MAX } from "../../../schemas/limits/hooks.js";

const HEADERS = ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"] as const;
const UPDATE = "*** Update File:";
const MARK = "***";

/**
 * Calls `found` with the path in each header of a patch, in order.
 * @param found returns false to end the search
 * @returns false if the search stopped early because the patch has more than HOOK_PATCH_MARKS_MAX marks
 */
export function findPatchPaths(patch: string, found: (path: string) => boolean): boolean {
  /**
   * True after the header of an updated file. There, a line that begins with a blank is unchanged text of the file, and
   * no header.
   */
  let isUpdate = false;
  let marks = 0;
  // The loop goes from mark to mark and not from line to line, because a patch has many more lines than marks.
  for (let at = patch.indexOf(MARK), from = 0; at >= 0; at = patch.indexOf(MARK, from)) {
    if (++marks > HOOK_PATCH_MARKS_MAX) return false;
    const newline = patch.indexOf("\n", at);
    const end = newline < 0 ? patch.length : newline;
    const line: string = startsLine(patch, at, from, isUpdate) ? patch.slice(at, end).trim() : "";
    const header: string | undefined = HEADERS.find((text) => line.startsWith(text));
    if (header !== undefined) {
      isUpdate = header === UPDATE || (isUpdate && header === "*** Move to:");
      const path = line.slice(header.length).trim();
      if (path !== "" && !found(path)) return true;
    }
    from = end;
  }
  return true;
}

/**
 * Returns whether a mark is at the start of its line. Blanks may precede it, but not in the changes of an updated file.
 */
function startsLine(text: string, markAt: number, from: number, isUpdate: boolean): boolean {
  let at = markAt;
  if (!isUpdate) while (at > from && (text[at - 1] === " " || text[at - 1] === "\t")) at--;
  return at === 0 || text[at - 1] === "\n";
}
