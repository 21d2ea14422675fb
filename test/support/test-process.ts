/** Runs one test file in a process of plain Node, and returns its result. Only the report of a run is kept. */
import { type ChildProcess, spawn } from "node:child_process";
import { FILE_TIMEOUT_S } from "./every-file.js";
import { type TestReport, readReport } from "./test-report.js";

/** A limit beyond tap's own, for a file that does not even end by that. */
const GRACE_S = 30;
/** The length of stderr that is shown of a failed file. */
const STDERR_SHOWN = 4_000;

const running = new Set<ChildProcess>();

// The files of a run that is interrupted end with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}

/** Runs a file. It always resolves. */
export function runTestFile(file: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<TestReport> {
  const child = spawn(process.execPath, [file], {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let tap = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (tap += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-STDERR_SHOWN)));
  const timer = setTimeout(() => child.kill("SIGKILL"), (FILE_TIMEOUT_S + GRACE_S) * 1000);
  return new Promise((resolve) => {
    const end = (outcome: string): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve(evaluate(readReport(tap), outcome, stderr));
    };
    child.once("error", (error) => end(error.message));
    // Processes that it started may hold its pipes after its end: this waits for them, because the report is not whole
    // before.
    child.once("close", (code, signal) => end(code === 0 ? "" : `it ended by ${signal ?? `code ${code}`}`));
  });
}

/** A file that ended with an error has failed, even if its report has no failure. */
function evaluate(report: TestReport, outcome: string, stderr: string): TestReport {
  if (report.failed === 0 && outcome === "") return report;
  const problems = [...report.problems, ...[outcome, stderr.trimEnd()].filter((text) => text !== "")];
  return { ...report, failed: Math.max(1, report.failed), problems };
}
