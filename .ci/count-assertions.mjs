/**
 * Prints `<passed> <failed>`: the assertions in a TAP file of one run or several, of all levels; what failed goes to
 * stderr, with
 * its diagnostics. A subtest's own line repeats what its assertions said and is not counted, except where it
 * failed though none of them did (a timeout, a crash, a wrong plan). A file that is not there, or breaks
 * off, counts as failed. Run: `node .ci/count-assertions.mjs FILE`.
 */
import { existsSync, readFileSync } from "node:fs";
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

/** Counts one run's output. */
function count(text) {
  const before = counts.passed + counts.failed;
  const failed = counts.failed;
  const parser = new Parser();
  watch(parser);
  let whole = false;
  parser.on("complete", (results) => {
    whole = true;
    // A run that was cut off, or said nothing, has failed whatever its assertions said.
    if (!results.ok && counts.failed === failed) counts.failed += 1;
  });
  parser.end(text);
  if (!whole || counts.passed + counts.failed === before) counts.failed += 1;
}

const [path] = process.argv.slice(2);
const text = path && existsSync(path) ? readFileSync(path, "utf8") : "";
for (const run of text.split(/^(?=TAP version \d+$)/m)) count(run);
process.stdout.write(`${counts.passed} ${counts.failed}\n`);
