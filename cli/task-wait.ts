/**
 * Waits for a task and claims it. All calls have the same `request_id`: if an answer is lost, the next call returns the
 * task that was claimed. So the wait may be longer than one call may wait, and it survives a restart of the server.
 * Runs in the CLI process.
 */
import { WAIT_S_MAX } from "../schemas/limits/wait.js";
import { SECOND_MS } from "../shared/duration.js";
import { failureOf, isTransient, type RetryDeadline } from "./ask.js";
import { RELEASE_TIMEOUT_MS } from "./claim-run.js";
import { refused, type CliFailure } from "./failure.js";
import { quoted } from "./json-text.js";
import { isFailure, type Outcome } from "./outcome.js";
import type { Settings } from "./settings.js";
import { claimTask, getTask, sendTaskAction, type ClaimRequest, type ClaimAnswer } from "./task-calls.js";

export interface TaskWaitOptions {
  /** The time to wait for a task, in ms. With 0, only one request is sent. */
  readonly waitMs: number;
  /** Limits for how long calls are repeated while the server is unreachable. */
  readonly deadline: RetryDeadline;
  /** Ends the wait when it fires. A task that was claimed at the same moment is released. */
  readonly signal: AbortSignal;
}

/** Releases a task that was claimed although the wait had already been stopped. */
async function releaseUnwanted(settings: Settings, claimed: Outcome<ClaimAnswer>): Promise<void> {
  if (isFailure(claimed) || claimed.task === null) return;
  const { id, fence } = claimed.task;
  const limits = { answer_timeout_ms: RELEASE_TIMEOUT_MS };
  if (fence !== null) await sendTaskAction(settings, { id, fence }, "release", { note: quoted("not wanted") }, limits);
}

/** Whether a task may become claimable later. It may if it has not ended. */
async function isStillOpen(settings: Settings, id: string): Promise<boolean> {
  const read = await getTask(settings, id);
  return isTransient(read) || (!isFailure(read) && read.task.ended_at === null);
}

/** Waits for a task and claims it. Returns the claimed task; null as the task if the time is up. */
export async function waitForTask(
  settings: Settings,
  request: ClaimRequest,
  { waitMs, deadline, signal }: TaskWaitOptions,
): Promise<ClaimAnswer | CliFailure> {
  const requestId = crypto.randomUUID();
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const leftMs = Math.max(0, untilMs - performance.now());
    const waitS = Math.min(WAIT_S_MAX, Math.ceil(leftMs / SECOND_MS));
    const outcome = await deadline.untilAnswered(() =>
      claimTask(settings, request, { wait_s: waitS, request_id: requestId }, { signal }),
    );
    if (signal.aborted) {
      // The aborted call may have claimed a task. The same request id shows which one.
      const limits = { answer_timeout_ms: RELEASE_TIMEOUT_MS };
      const again = isTransient(outcome)
        ? claimTask(settings, request, { wait_s: 0, request_id: requestId }, limits)
        : outcome;
      await releaseUnwanted(settings, await again);
      return refused("stopped while it waited for a task");
    }
    if (!isFailure(outcome) && outcome.task !== null) return outcome;
    const hasTime = performance.now() < untilMs;
    if (!isFailure(outcome)) {
      if (!hasTime) return outcome;
    } else if (
      isTransient(outcome) ||
      !hasTime ||
      request.id === undefined ||
      !(await isStillOpen(settings, request.id))
    ) {
      return failureOf(outcome);
    }
  }
}
