/**
 * Finds the fence for a write: the value of `--fence`, or the fence of the claim under which the command runs
 * (claim-run.ts). Commands that ask the server for the fence do not use this module. Runs in the CLI process.
 */
import type { Args, Flag } from "./command-row.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { io } from "./io.js";

const VARIABLE = "KOOR_FENCE";

/** The flag for a fence. A write with a fence fails if the claim with this fence has ended. */
export const WRITE_FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: `only while the claim with this fence is held; ${VARIABLE} by default`,
};

/** Returns the value of `--fence` as a number; undefined if the flag is not given. */
export function readFence(args: Args): number | undefined | CliFailure {
  const text = args.text("fence");
  if (text === undefined) return undefined;
  const fence = Number(text);
  return Number.isSafeInteger(fence) ? fence : wrongUsage("--fence is too large for a fence");
}

/**
 * Returns the header with the fence, for a write to state or specs; applying a template is such a write too. With the
 * header, a client that has lost its claim cannot overwrite data of the next holder.
 */
export function fenceHeader(args: Args): Readonly<Record<string, string>> {
  const fence = args.text("fence") ?? (io().environment[VARIABLE] || undefined);
  return fence === undefined ? {} : { "X-Koor-Fence": fence };
}

/** Whether this command runs under `task work` for the task with this id. */
export function isTaskOfEnvironment(id: string): boolean {
  return id !== "" && io().environment["KOOR_TASK"] === id;
}

/**
 * Returns the fence in the environment if it is that of this task; undefined otherwise. Under `lease run`, the fence is
 * that of a lease. If KOOR_TASK names another task, it is that of the other task.
 */
export function taskFenceOfEnvironment(id: string): number | undefined {
  const { KOOR_FENCE: fence = "", KOOR_TASK: task = "", KOOR_LEASE: lease = "" } = io().environment;
  return /^[1-9]\d{0,14}$/.test(fence) && lease === "" && (task === "" || task === id) ? Number(fence) : undefined;
}
