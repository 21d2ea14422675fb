/**
 * Reads the TAP that a test file wrote: how many assertions passed and failed, on all levels, what was skipped, and
 * what went wrong. A subtest's own line repeats its assertions and is not counted, except where the subtest failed
 * though none of them did (a timeout, a crash, a wrong plan). Pure.
 */
import { type FinalResults, Parser, type Result } from "tap-parser";

export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** The reasons of skipped tests, each once, in the order of the file. */
  readonly skipped: readonly string[];
  /** For each failure its full name, then its diagnostics, one line each. */
  readonly problems: readonly string[];
}

/** tap's message about a file or a test without an assertion, which would go unnoticed otherwise. */
const EMPTY = "no tests found";

/** The diagnostics that say what went wrong and where. */
const SHOWN = new Set(["diff", "at", "stack", "message", "code", "exitCode", "signal", "found", "error", "tapCaught"]);

class Count {
  passed = 0;
  failed = 0;
  readonly skipped = new Set<string>();
  readonly problems: string[] = [];

  /** Counts what this parser reports, and its subtests. */
  watch(parser: Parser): void {
    /** Failures within the subtest whose own line comes next; undefined where the next line is an assertion. */
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

/** Reads a whole report. A report that breaks off or is empty has failed, whatever its assertions are. */
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

/** A test file among several of one process. */
export interface PartReport extends TestReport {
  readonly tookMs: number;
}

const STARTS = /^# Subtest: (.*)$/;
const ENDS = /^(not )?ok \d+ - (.*?)(?: # time=([\d.]+)(ms|s))?$/;
/** tap's indentation of what a subtest reports. */
const INDENT = "    ";

/**
 * Reads the report of several files (several-files.ts), each of which is a subtest of the outermost level. A file that
 * has not ended is not in the result.
 * @returns the reports, by the name of the file
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
