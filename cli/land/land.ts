/**
 * Implements `land`. It waits for its turn in the lane, lands the branch, and publishes the result. If the landing
 * fails, it creates a task. landing.ts does the work of the turn. Runs in the CLI process.
 */
import { failureOf } from "../ask.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { printAnswer, reportFailure, warn } from "../output.js";
import { exitCodeOfSignal, untilSignal } from "../signals.js";
import { averageMsOf, publish, readEvents, tryToPublish, type LandTopic } from "./land-events.js";
import { cancelTasks, makeTask } from "./land-task.js";
import { Landing } from "./landing.js";
import { putMark } from "./landing-marks.js";
import { readPlan, type LandPlan } from "./plan.js";
import { describeFailure, eventDataOf, makeReport, taskTextOf, type LandReport } from "./report.js";
import { Steps } from "./steps.js";
import { Turn } from "./turn.js";

const TOPICS: Readonly<Record<Exclude<LandReport["result"], "nothing">, LandTopic>> = {
  landed: "land.landed",
  conflict: "land.conflict",
  failed: "land.failed",
};

/**
 * Publishes a result event for each branch of the turn: for the landing's own branch, and for the branches that landed
 * with it.
 */
async function publishResults(plan: LandPlan, turn: Turn, report: LandReport, { others }: Landing): Promise<void> {
  const events = others.map(({ report: other, holder }) => ({
    topic: TOPICS.landed,
    data: eventDataOf(other, plan, holder),
  }));
  // A branch that has landed in an earlier turn already has its result event.
  if (report.result !== "nothing" && report.fence === turn.fence)
    events.unshift({ topic: TOPICS[report.result], data: eventDataOf(report, plan, turn.lease.holder) });
  if (events.length === 0) return;
  const problem = await publish(plan.settings, ...events);
  if (problem !== undefined) warn(`the result could not be published: ${problem.message}`);
}

/**
 * Completes a landing that has a result. Publishes the result. If the landing failed, creates a task for the branch;
 * otherwise cancels the branch's tasks. Returns the report, with the id of a new task.
 */
async function settle(plan: LandPlan, turn: Turn, report: LandReport, landing: Landing): Promise<LandReport> {
  const { settings } = plan;
  await publishResults(plan, turn, report, landing);
  if (report.result === "landed" || report.result === "nothing") {
    await cancelTasks(
      settings,
      plan,
      report.commit === null ? "nothing is left to land" : `landed as ${report.commit}`,
    );
    return report;
  }
  const task = await makeTask(settings, plan, taskTextOf(report, plan), { owner: report.owner, fence: turn.fence });
  if (typeof task === "string") return { ...report, task };
  warn(`the task for ${report.owner} could not be made: ${task.message}`);
  return report;
}

/** Publishes that the landing stopped before it had a result, for example because the lease was lost. */
async function reportStop(plan: LandPlan, turn: Turn, failure: CliFailure): Promise<void> {
  const data = eventDataOf(makeReport(plan, turn, { result: "failed" }), plan, turn.lease.holder);
  const why = { reason: turn.problemReason, message: failure.message };
  await tryToPublish(plan.settings, { topic: "land.failed", data: { ...data, ...why } });
}

async function landInTurn(plan: LandPlan, stopped: AbortSignal): Promise<LandReport | CliFailure> {
  const removeMark = await putMark(plan.repository.root, plan);
  try {
    return await landMarked(plan, stopped);
  } finally {
    await removeMark();
  }
}

async function landMarked(plan: LandPlan, stopped: AbortSignal): Promise<LandReport | CliFailure> {
  const events = await readEvents(plan.settings, plan.lane);
  if (isFailure(events)) return failureOf(events);
  const steps = new Steps(plan.lane.name, averageMsOf(events));
  const turn = await Turn.take(plan, stopped, (lease) => steps.reportPosition(lease));
  if (turn instanceof CliFailure) return turn;
  try {
    const landing = new Landing(plan, turn, steps);
    const outcome = await landing.run();
    if (!(outcome instanceof CliFailure)) return await settle(plan, turn, outcome, landing);
    if (!landing.isUnknown) await reportStop(plan, turn, outcome);
    return outcome;
  } finally {
    await turn.end();
  }
}

export async function land(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const plan = await readPlan(args, context);
  if (plan instanceof CliFailure) return plan;
  const refusal = await plan.target.refuse();
  if (refusal !== undefined) return refusal;
  const { outcome, stoppedBy } = await untilSignal((signal) => landInTurn(plan, signal));
  if (outcome instanceof CliFailure) {
    if (stoppedBy === undefined) return outcome;
    reportFailure(outcome);
    return await exitCodeOfSignal(stoppedBy);
  }
  const hasFailed = outcome.result === "conflict" || outcome.result === "failed";
  if (hasFailed) warn(describeFailure(outcome));
  return (await printAnswer(Buffer.from(JSON.stringify(outcome)), context)) ?? (hasFailed ? 1 : 0);
}
