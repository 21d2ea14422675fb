/**
 * Finds the files that a patch changes. The patch has the form of the tool `apply_patch`, which several clients have:
 * a line such as `*** Update File: src/a.ts` begins the part of each file. Pure.
 */

const HEADERS = ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"] as const;
const UPDATE = "*** Update File:";
const MARK = "***";

/**
 * Calls `found` with the path in each header of a patch, in order.
 * @param found returns false to end the search
 */
export function findPatchPaths(patch: string, found: (path: string) => boolean): void {
  /** In the part of an updated file, a line that begins with a blank is unchanged text of the file. */
  let isUpdate = false;
  for (let start = 0; start < patch.length; ) {
    const newline = patch.indexOf("\n", start);
    const end = newline < 0 ? patch.length : newline;
    if (patch.startsWith(MARK, isUpdate ? start : skipBlanks(patch, start, end))) {
      const line = patch.slice(start, end).trim();
      const header = HEADERS.find((text) => line.startsWith(text));
      if (header !== undefined) {
        isUpdate = header === UPDATE || (isUpdate && header === "*** Move to:");
        const path = line.slice(header.length).trim();
        if (path !== "" && !found(path)) return;
      }
    }
    start = end + 1;
  }
}

function skipBlanks(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && (text[at] === " " || text[at] === "\t")) at++;
  return at;
}
