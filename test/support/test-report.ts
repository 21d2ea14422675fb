/**
 * Reads the TAP output of a test file: the numbers of passed and failed assertions on all levels, the skipped tests,
 * and the problems. The line of a subtest repeats its assertions, so it is not counted. It is counted only if the
 * subtest failed and none of its assertions did (a timeout, a crash, a wrong plan). Pure.
 */
import { type FinalResults, Parser, type Result } from "tap-parser";

export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** The reasons of the skipped tests, without duplicates, in the order of the file. */
  readonly skipped: readonly string[];
  /** For each failure, its full name and then its diagnostics, one per line. */
  readonly problems: readonly string[];
}

/** tap's message about a file or a test without assertions. Otherwise it would go unnoticed. */
const EMPTY = "no tests found";

/** The diagnostics that show the problem and its place. */
const SHOWN = new Set(["diff", "at", "stack", "message", "code", "exitCode", "signal", "found", "error", "tapCaught"]);

class Count {
  passed = 0;
  failed = 0;
  readonly skipped = new Set<string>();
  readonly problems: string[] = [];

  /** Counts the results of this parser and of its subtests. */
  watch(parser: Parser): void {
    /** The number of failures in the subtest whose own line comes next; undefined if the next line is an assertion. */
    let failuresWithin: number | undefined;
    parser.on("child", (child: Parser) => {
      const before = this.failed;
      this.watch(child);
      child.on("complete", () => (failuresWithin = this.failed - before));
    });
    parser.on("assert", (result: Result) => {
      const repeats = failuresWithin !== undefined && (result.ok || failuresWithin > 0);
      failuresWithin = undefined;
      if (!repeats) this.#add(result);
    });
  }

  /** Adds a failure of the file as a whole. */
  fail(problem: string): void {
    this.failed += 1;
    this.problems.push(problem);
  }

  #add(result: Result): void {
    if (result.skip === EMPTY) this.fail(`${result.fullname}\nit asserts nothing`);
    else if (result.skip !== false) this.skipped.add(result.skip === true ? result.fullname : result.skip);
    else if (result.ok && result.todo === false) this.passed += 1;
    else if (result.todo === false) this.fail([result.fullname, ...describeDiagnostics(result)].join("\n"));
  }
}

function describeDiagnostics(result: Result): string[] {
  return Object.entries((result.diag ?? {}) as Record<string, unknown>)
    .filter(([name]) => SHOWN.has(name))
    .map(([name, value]) => (typeof value === "string" ? value.trimEnd() : `${name}: ${JSON.stringify(value)}`));
}

/** Reads a whole report. An empty or truncated report has failed, whatever its assertions are. */
export function readReport(tap: string): TestReport {
  const count = new Count();
  const results: FinalResults[] = [];
  const parser = new Parser((final) => results.push(final));
  count.watch(parser);
  parser.end(tap);
  const [final] = results;
  const reason = final?.plan.skipReason ?? "";
  if (reason !== "" && reason !== EMPTY) count.skipped.add(reason);
  if (final?.ok !== true && count.failed === 0) count.fail("the report breaks off");
  else if (count.passed + count.failed + count.skipped.size === 0) count.fail("it asserts nothing");
  return { passed: count.passed, failed: count.failed, skipped: [...count.skipped], problems: count.problems };
}

/** The report of one of several test files in a process. */
export interface PartReport extends TestReport {
  readonly tookMs: number;
}

const STARTS = /^# Subtest: (.*)$/;
const ENDS = /^(not )?ok \d+ - (.*?)(?: # time=([\d.]+)(ms|s))?$/;
/** The indentation of a subtest's results in tap's output. */
const INDENT = "    ";

/**
 * Reads the report of several files (several-files.ts). Each file is a subtest of the outermost level. The result lacks
 * files that have not ended.
 * @returns the reports by the names of the files
 */
export function readSeveral(tap: string): Map<string, PartReport> {
  const reports = new Map<string, PartReport>();
  let lines: string[] = [];
  for (const line of tap.split("\n")) {
    const [, failed, name = "", time = "0", unit] = ENDS.exec(line) ?? [];
    if (STARTS.test(line)) lines = ["TAP version 14"];
    else if (line.startsWith(INDENT)) lines.push(line.slice(INDENT.length));
    else if (name !== "") {
      const report = readReport(`${lines.join("\n")}\n`);
      const isWhole = failed === undefined || report.failed > 0;
      const problems = isWhole ? report.problems : [...report.problems, `${name} failed as a whole`];
      const tookMs = Number(time) * (unit === "s" ? 1_000 : 1);
      reports.set(name, { ...report, problems, failed: isWhole ? report.failed : 1, tookMs });
    }
  }
  return reports;
}
