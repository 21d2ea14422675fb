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
