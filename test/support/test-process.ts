/**
 * Runs test files in processes of plain Node: one file, or several files that can share a process. Keeps only the
 * report of each run.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FILE_TIMEOUT_S } from "./every-file.js";
import { type PartReport, type TestReport, readReport, readSeveral } from "./test-report.js";

const SEVERAL_PROGRAM = fileURLToPath(new URL("several-files.js", import.meta.url));

/** The additional time after tap's own limit. After it, a file that did not end is killed. */
const GRACE_S = 30;
/** The length of the part of stderr that is shown for a failed file. */
const STDERR_SHOWN = 4_000;

const running = new Set<ChildProcess>();

// If the run is interrupted, the test files that it runs end too.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}

interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The output of a process. */
interface Output {
  readonly tap: string;
  readonly stderr: string;
  /** The reason why the process failed; "" if it ended without an error. */
  readonly outcome: string;
}

/** Runs a program, and limits its time by the number of files. It always resolves. */
function runProcess(args: readonly string[], options: RunOptions, files = 1): Promise<Output> {
  const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let tap = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (tap += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-STDERR_SHOWN)));
  const timer = setTimeout(() => child.kill("SIGKILL"), (FILE_TIMEOUT_S * files + GRACE_S) * 1000);
  return new Promise((resolve) => {
    const end = (outcome: string): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ tap, stderr, outcome });
    };
    child.once("error", (error) => end(error.message));
    // `close` comes only when all pipes are closed, which processes that the program has started may hold. This waits
    // for them, because the report is incomplete before.
    child.once("close", (code, signal) => end(code === 0 ? "" : `it ended by ${signal ?? `code ${code}`}`));
  });
}

/** Runs a file. It always resolves. */
export async function runTestFile(file: string, options: RunOptions): Promise<TestReport> {
  const { tap, stderr, outcome } = await runProcess([file], options);
  const report = readReport(tap);
  // A file that ended with an error has failed, even if its report has no failure.
  if (report.failed === 0 && outcome === "") return report;
  return { ...report, failed: Math.max(1, report.failed), problems: [...report.problems, ...textsOf(outcome, stderr)] };
}

/**
 * Runs several files in one process. It always resolves. If the process ends early, the files that have not ended fail.
 * @param files the paths of the files. The keys are the names in the report of the process
 */
export async function runSeveral(
  files: ReadonlyMap<string, string>,
  options: RunOptions,
): Promise<ReadonlyMap<string, PartReport>> {
  const { tap, stderr, outcome } = await runProcess([SEVERAL_PROGRAM, ...files.values()], options, files.size);
  const reports = readSeveral(tap);
  const problems = ["its process ended before it", ...textsOf(outcome, stderr)];
  const unfinished: PartReport = { passed: 0, failed: 1, skipped: [], problems, tookMs: 0 };
  const all = new Map([...files.keys()].map((name) => [name, reports.get(name) ?? unfinished] as const));
  // The error came after the last test. For example, a file has left it behind.
  const [last] = [...all].findLast(([name]) => reports.has(name)) ?? [];
  if (last !== undefined && outcome !== "" && [...all.values()].every(({ failed }) => failed === 0))
    all.set(last, { ...unfinished, problems: textsOf(outcome, stderr) });
  return all;
}

function textsOf(...texts: readonly string[]): string[] {
  return texts.map((text) => text.trimEnd()).filter((text) => text !== "");
}
