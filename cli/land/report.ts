/**
 * Makes the report of a landing. The command prints it, and the events and the task contain parts of it. Pure; runs in
 * the CLI process.
 */
import { shellWord } from "../../shared/shell-quote.js";
import type { Lease } from "../lease-calls.js";
import type { LandPlan } from "./plan.js";
import type { TaskText } from "./land-task.js";
import type { Turn } from "./turn.js";

export interface LandReport {
  readonly result: "landed" | "nothing" | "conflict" | "failed";
  /** The name of the lane, for example `trucks/main`. */
  readonly lane: string;
  readonly branch: string;
  readonly head: string;
  readonly into: string;
  /** The head of the target onto which the branch was rebased. */
  readonly onto: string | null;
  /** The new head of the target. If a commit conflicts, this is that commit. */
  readonly commit: string | null;
  readonly commits: number | null;
  readonly files: readonly string[] | null;
  readonly reason: "check" | "push" | "raced" | null;
  readonly exit_code: number | null;
  readonly log: readonly string[] | null;
  readonly fence: number;
  readonly owner: string;
  readonly task: string | null;
  readonly attempts: number;
  readonly duration_ms: number;
}

/** The result of a landing, and the members of the report that differ from their defaults. */
export type Outcomes = Partial<LandReport> & Pick<LandReport, "result">;

export function makeReport({ lane, branch, head, owner }: LandPlan, turn: Turn, outcome: Outcomes): LandReport {
  return {
    result: outcome.result,
    lane: lane.name,
    branch,
    head,
    into: lane.into,
    onto: null,
    commit: null,
    commits: null,
    files: null,
    reason: null,
    exit_code: null,
    log: null,
    fence: turn.fence,
    owner: owner ?? turn.lease.holder.id,
    task: null,
    attempts: 1,
    duration_ms: Math.round(performance.now() - turn.startedMs),
    ...without(outcome),
  };
}

/** Returns the outcome without its member `result`. */
function without({ result: _result, ...members }: Outcomes): Partial<LandReport> {
  return members;
}

/**
 * Returns the data of an event about a landing. The log is left out, because it may be long and may contain secrets.
 */
export function eventDataOf(report: LandReport, { lane }: LandPlan, holder: Lease["holder"]) {
  const { log: _log, task: _task, ...data } = report;
  return { ...data, workspace: lane.workspace, holder };
}

/**
 * Returns the data of the event `land.pushing`, which is published before a push. It has no result and no duration yet.
 */
export function intentDataOf(report: LandReport, plan: LandPlan, holder: Lease["holder"]): object {
  const { result: _result, duration_ms: _duration, ...data } = eventDataOf(report, plan, holder);
  return data;
}

/** Describes a failed landing in one sentence, for people. */
export function describeFailure({ result, branch, into, files, reason, exit_code, task }: LandReport): string {
  const made = task === null ? "" : ` (${task})`;
  return result === "conflict"
    ? `${branch} conflicts with ${into} in ${(files ?? []).join(", ")}${made}`
    : `${branch} has not landed in ${into}: ${reasonText(reason, exit_code)}${made}`;
}

function reasonText(reason: LandReport["reason"], exitCode: number | null): string {
  if (reason === "check") return `the check failed with exit code ${exitCode ?? ""}`;
  return reason === "push" ? "the push was refused" : "other clients kept pushing to it";
}

/** Returns the title and the text of the task for a failed landing. */
export function taskTextOf(report: LandReport, { check, target, lane }: LandPlan): TaskText {
  const { result, branch, head, into, commit, onto, files, log } = report;
  const where = target.remote === null ? into : `${into} of ${target.remote}`;
  // An agent may run this command as it is. Names of branches may contain characters that a shell interprets.
  const words = ["koor", "land", branch, ...(into === "main" ? [] : ["--into", into])].map(shellWord);
  const again = [...words, ...(check === undefined ? [] : ["--check …"])].join(" ");
  const facts = `The landing of ${branch} (${head}) into ${where} (${onto ?? ""}) in the lane ${lane.name} failed.`;
  const steps = `Mend ${branch}, commit, and land it again: ${again}`;
  if (result === "conflict") {
    const list = (files ?? []).map((file) => `  ${file}\n`).join("");
    return {
      title: `Resolve the conflict of ${branch} with ${into}`,
      body: `${facts}\n\nThe commit ${commit ?? ""} conflicts in:\n\n${list}\nRebase ${branch} on ${where} first. ${steps}\n`,
    };
  }
  const what = reasonText(report.reason, report.exit_code);
  const run = report.reason === "check" ? `\n\nThe check: ${check ?? ""}` : "";
  const output = log === null ? "" : `\n\nThe end of the output:\n\n${log.join("\n")}`;
  return {
    title: `Mend ${branch}: ${report.reason === "check" ? `its check fails on ${into}` : what}`,
    body: `${facts}\n\nWhy: ${what}.${run}\n\n${steps}${output}\n`,
  };
}
