/**
 * Prints `<passed> <failed>`: the assertions in a TAP file, of all levels; what failed goes to stderr, with
 * its diagnostics. A subtest's own line repeats what its assertions said and is not counted, except where it
 * failed though none of them did (a timeout, a crash, a wrong plan). A file that is not there, or breaks
 * off, counts as failed. Run: `node .ci/count-assertions.mjs FILE`.
 */
import { createReadStream, existsSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Parser } from "tap-parser";

/** The diagnostics that say what went wrong and where. */
const SHOWN = new Set(["diff", "at", "stack", "message", "code", "exitCode", "signal", "found", "error", "tapCaught"]);
/** What tap says of a file that tests nothing: it would go unnoticed. */
const EMPTY_FILE = "no tests found";
const counts = { passed: 0, failed: 0 };

function report(result) {
  counts.failed += 1;
  process.stderr.write(`\nnot ok: ${result.fullname}\n`);
  for (const [name, value] of Object.entries(result.diag ?? {})) {
    if (SHOWN.has(name)) process.stderr.write(`${typeof value === "string" ? value : JSON.stringify(value)}\n`);
  }
}

/** Counts what this parser reports, and its subtests'. */
function watch(parser) {
  /** Failures within the subtest whose own line comes next; undefined where the next line is an assertion. */
  let failuresWithin;
  parser.on("child", (child) => {
    const before = counts.failed;
    watch(child);
    child.on("complete", () => (failuresWithin = counts.failed - before));
  });
  parser.on("assert", (result) => {
    const closesSubtest = failuresWithin !== undefined;
    const repeats = closesSubtest && (result.ok || failuresWithin > 0);
    failuresWithin = undefined;
    if (repeats) return;
    if (result.skip === EMPTY_FILE) report(result);
    else if (result.ok && !result.skip && !result.todo) counts.passed += 1;
    else if (!result.ok && !result.todo) report(result);
  });
}

const [path] = process.argv.slice(2);
if (path && existsSync(path)) {
  const parser = new Parser();
  watch(parser);
  let whole = false;
  parser.on("complete", (results) => {
    whole = true;
    // A run that was cut off, or said nothing, has failed whatever its assertions said.
    if (!results.ok && counts.failed === 0) counts.failed += 1;
  });
  await pipeline(createReadStream(path), parser);
  if (!whole || counts.passed + counts.failed === 0) counts.failed += 1;
} else {
  counts.failed += 1;
}
process.stdout.write(`${counts.passed} ${counts.failed}\n`);
