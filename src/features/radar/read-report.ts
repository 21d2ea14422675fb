/**
 * Reads the body of a report, and encodes its files for storage. A report may have 128,000 ranges, so the worker pool
 * reads long reports. The encoded files are one text, which is cheap to pass between threads. Runs in any thread, after
 * `loadShapes`.
 */
import { ChangesBody, type CheckedReport } from "../../../schemas/radar.js";
import { pathProblem } from "../../base/path-problem.js";
import { Failure, invalid } from "../../base/result.js";
import { readShaped } from "../../base/shape.js";

/** Returns the checked report, or the 400 that names the invalid member. */
export function readReport(body: Uint8Array): CheckedReport | Failure {
  const read = readShaped(body, ChangesBody);
  if (read instanceof Failure) return read;
  const { workspace, branch = null, base = null, files } = read.json;
  const stored = encodeFiles(files);
  return stored instanceof Failure ? stored : { workspace, branch, base, files: stored };
}

function encodeFiles(files: ChangesBody["files"]): string | Failure {
  const stored: object[] = [];
  const places = new Map<string, number>();
  for (const [at, { path: given, ranges, deleted, blob }] of files.entries()) {
    const problem = pathProblem(given);
    if (problem !== null) return invalid(`files[${at}].path ${problem}`);
    const path = given.normalize("NFC");
    const before = places.get(path);
    if (before !== undefined) return invalid(`files[${at}].path is the same as files[${before}].path`);
    places.set(path, at);
    // An absent member stays undefined, so that JSON omits it.
    stored.push({ path, lines: ranges === undefined ? undefined : joinRanges(ranges), deleted, blob });
  }
  return JSON.stringify(stored);
}

/** Returns the first and last lines of all ranges as one flat list. */
function joinRanges(ranges: readonly (readonly number[])[]): number[] {
  const lines: number[] = [];
  for (const [first = 0, last = 0] of ranges) lines.push(first, last);
  return lines;
}
