/**
 * The fence under which a command acts: the one that is given, or the one that the environment has of a command that
 * runs under a claim (claim-run.ts). Runs in the command line's process. Asking the server for one is the commands'
 * own.
 */
import type { Args, Flag } from "./command-row.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { io } from "./io.js";

const VARIABLE = "KOOR_FENCE";

/** The flag of a write that is to come to nothing once the claim is over. */
export const WRITE_FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: `only while the claim of this fence is held; ${VARIABLE} by default`,
};

/** `--fence` as a number; undefined where it was not given. */
export function readFence(args: Args): number | undefined | CliFailure {
  const text = args.text("fence");
  if (text === undefined) return undefined;
  const fence = Number(text);
  return Number.isSafeInteger(fence) ? fence : wrongUsage("--fence is too large for a fence");
}

/**
 * The header of a write of state or specs, by themselves or from a template, so that who has lost its claim cannot
 * write over its successor.
 */
export function fenceHeader(args: Args): Readonly<Record<string, string>> {
  const fence = args.text("fence") ?? (io().environment[VARIABLE] || undefined);
  return fence === undefined ? {} : { "X-Koor-Fence": fence };
}

/** Whether this runs under `task work`, for this task. */
export function isTaskOfEnvironment(id: string): boolean {
  return id !== "" && io().environment["KOOR_TASK"] === id;
}

/**
 * The fence under which the environment says that a task is held; undefined where it says none. Under `lease run` it is
 * the lease's, and where KOOR_TASK is another task it is that one's.
 */
export function taskFenceOfEnvironment(id: string): number | undefined {
  const { KOOR_FENCE: fence = "", KOOR_TASK: task = "", KOOR_LEASE: lease = "" } = io().environment;
  return /^[1-9]\d{0,14}$/.test(fence) && lease === "" && (task === "" || task === id) ? Number(fence) : undefined;
}
