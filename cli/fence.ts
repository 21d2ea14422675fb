/**
 * Finds the fence under which a command acts: the given one, or the one in the environment of a command that runs under
 * a claim (claim-run.ts). A command that needs the server for its fence asks by itself. Runs in the CLI process.
 */
import type { Args, Flag } from "./command-row.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { io } from "./io.js";

const VARIABLE = "KOOR_FENCE";

/** The flag of a write that must fail once the claim has ended. */
export const WRITE_FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: `only while the claim of this fence is held; ${VARIABLE} by default`,
};

/** Reads `--fence` as a number; undefined if it is not given. */
export function readFence(args: Args): number | undefined | CliFailure {
  const text = args.text("fence");
  if (text === undefined) return undefined;
  const fence = Number(text);
  return Number.isSafeInteger(fence) ? fence : wrongUsage("--fence is too large for a fence");
}

/**
 * The header of a write to state or specs, directly or from a template. With it, a client that has lost its claim
 * cannot overwrite its successor.
 */
export function fenceHeader(args: Args): Readonly<Record<string, string>> {
  const fence = args.text("fence") ?? (io().environment[VARIABLE] || undefined);
  return fence === undefined ? {} : { "X-Koor-Fence": fence };
}

/** Whether this command runs under `task work` for this task. */
export function isTaskOfEnvironment(id: string): boolean {
  return id !== "" && io().environment["KOOR_TASK"] === id;
}

/**
 * Returns the fence under which the environment holds a task; undefined if it has none. Under `lease run` the fence
 * belongs to the lease, and if KOOR_TASK names another task, to that one.
 */
export function taskFenceOfEnvironment(id: string): number | undefined {
  const { KOOR_FENCE: fence = "", KOOR_TASK: task = "", KOOR_LEASE: lease = "" } = io().environment;
  return /^[1-9]\d{0,14}$/.test(fence) && lease === "" && (task === "" || task === id) ? Number(fence) : undefined;
}
