/**
 * One test file in a process of plain Node, and what became of it. Nothing is kept of a run but its report.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { FILE_TIMEOUT_S } from "./every-file.js";
import { type TestReport, readReport } from "./test-report.js";

/** Beyond tap's own limit: a file that does not even do that. */
const GRACE_S = 30;
/** What is shown of stderr where a file failed. */
const STDERR_SHOWN = 4_000;

const running = new Set<ChildProcess>();

// The files of a run that is broken off end with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}

/** Runs a file; resolves, whatever becomes of it. */
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
      resolve(judge(readReport(tap), outcome, stderr));
    };
    child.once("error", (error) => end(error.message));
    // What it started may hold its pipes longer than it lives: this waits for them, as its report is not whole before.
    child.once("close", (code, signal) => end(code === 0 ? "" : `it ended by ${signal ?? `code ${code}`}`));
  });
}

/** A file that ended badly has failed, even where its report is fine. */
function judge(report: TestReport, outcome: string, stderr: string): TestReport {
  if (report.failed === 0 && outcome === "") return report;
  const problems = [...report.problems, ...[outcome, stderr.trimEnd()].filter((text) => text !== "")];
  return { ...report, failed: Math.max(1, report.failed), problems };
}
