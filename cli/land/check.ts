/**
 * Runs the check of a landing (such as `npm test`) in the scratch worktree, as a command for `sh`. Copies the check's
 * output to stderr, and keeps the last lines for the report. Runs in the CLI process.
 */
import { CLI_LEASE_GRACE_MS, CLI_OUTPUT_LAG_MS } from "../../schemas/limits/cli.js";
import { CommandProcess } from "../command-process.js";
import { failed, type CliFailure } from "../failure.js";
import { io } from "../io.js";
import { exitCodeOfSignal } from "../signals.js";
import { ownEnvironment } from "./git.js";
import { LogTail } from "./log-tail.js";

export interface CheckResult {
  readonly exitCode: number;
  /** The last lines of the output. */
  readonly log: readonly string[];
}

/** Runs a check to its end. If the signal fires first, terminates the check and returns a failure. */
export async function runCheck(
  command: string,
  { folder, commit }: { readonly folder: string; readonly commit: string },
  signal: AbortSignal,
): Promise<CheckResult | CliFailure> {
  const tail = new LogTail();
  const environment = { ...ownEnvironment(), KOOR_LAND: "1", KOOR_LAND_HEAD: commit };
  const takeOutput = (chunk: Buffer): void => {
    tail.add(chunk);
    io().stderr().write(chunk);
  };
  // CommandProcess copies stderr itself, so this callback only keeps it for the report.
  const streams = { input: "", takeOutput, takeErrors: (chunk: Buffer) => tail.add(chunk) };
  const check = await CommandProcess.start(["sh", "-c", command], environment, streams, folder);
  if (typeof check === "string") return failed(`cannot start sh for the check: ${check}`);
  const end = await Promise.race([check.ended, aborted(signal)]);
  if (end === undefined) {
    await check.end(CLI_LEASE_GRACE_MS);
    await check.drained(CLI_OUTPUT_LAG_MS);
    return failed("the check was stopped");
  }
  await check.drained(CLI_OUTPUT_LAG_MS);
  const exitCode = end.signal === null ? (end.code ?? 1) : await exitCodeOfSignal(end.signal);
  return { exitCode, log: tail.lines() };
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
