/**
 * Waits for a task and claims it. The wait may be longer than a single call may wait, and may outlast a restart of the
 * server. All calls have the same `request_id`. So if a task was claimed and the answer was lost, the next call returns
 * this task. Runs in the CLI process.
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
  /** The time to wait for a task, in ms. With 0 there is only one request. */
  readonly waitMs: number;
  /** The deadline until which calls are repeated while the server is unreachable. */
  readonly deadline: RetryDeadline;
  /** Ends the wait when it fires. If a task was claimed at that moment, it is released. */
  readonly signal: AbortSignal;
}

/** Releases a task that was claimed after the wait had already ended. */
async function releaseUnwanted(settings: Settings, claimed: Outcome<ClaimAnswer>): Promise<void> {
  if (isFailure(claimed) || claimed.task === null) return;
  const { id, fence } = claimed.task;
  const limits = { answer_timeout_ms: RELEASE_TIMEOUT_MS };
  if (fence !== null) await sendTaskAction(settings, { id, fence }, "release", { note: quoted("not wanted") }, limits);
}

/** Returns whether a task that cannot be claimed now may become claimable later. */
async function isStillOpen(settings: Settings, id: string): Promise<boolean> {
  const read = await getTask(settings, id);
  return isTransient(read) || (!isFailure(read) && read.task.ended_at === null);
}

/** Waits for a task and claims it. Returns the held task, or none if the time is up. */
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
      // The aborted call may have claimed a task. A call with the same request id finds out whether it has.
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
