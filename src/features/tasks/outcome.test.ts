/** Tests the state of a task after its claim has ended, for each way in which a claim can end. */
import t from "tap";
import type { TaskState } from "../../../schemas/tasks.js";
import { liveTask } from "../../../test/support/live-task.js";
import { TASK_BACKOFF_MS_MAX } from "../../../schemas/limits/tasks.js";
import { type Ending, outcomeOf } from "./outcome.js";
import { backoffMs, type LiveTask } from "./task.js";

const NOW_MS = 1_000_000;

function held(attempts: number, cancelRequested = false, notBefore: number | null = null): LiveTask {
  return liveTask(1, "a", new Set(), {
    state: "claimed",
    attempts,
    not_before: notBefore,
    claim: 1,
    cancel_requested: cancelRequested,
    steps: 2,
    ready_at: 0,
    claimed_at: 0,
  });
}

t.test("each ending", (t) => {
  const loss = (of: "expired" | "max_s" | "broken" | "holder deleted" | "restored"): Ending => ({
    kind: "loss",
    loss: of,
  });
  const [retried, final]: Ending[] = [
    { kind: "fail", retry: true },
    { kind: "fail", retry: false },
  ];
  const rows: readonly (readonly [
    ending: Ending | undefined,
    attempts: number,
    state: TaskState,
    counted: number,
    waitMs: number | null,
    lost: boolean,
  ])[] = [
    [{ kind: "complete" }, 1, "done", 1, null, false],
    [{ kind: "release" }, 2, "ready", 2, null, false],
    [{ kind: "ask" }, 2, "input_required", 2, null, false],
    [final, 0, "failed", 0, null, false],
    [retried, 0, "ready", 1, 1_000, false],
    [retried, 1, "ready", 2, 4_000, false],
    [retried, 2, "dead", 3, null, false],
    [loss("expired"), 0, "ready", 1, 1_000, false],
    [loss("max_s"), 1, "ready", 2, 4_000, false],
    [loss("holder deleted"), 2, "dead", 3, null, true],
    [loss("expired"), 2, "dead", 3, null, true],
    [loss("broken"), 2, "ready", 2, null, false],
    [loss("restored"), 2, "ready", 2, null, false],
  ];
  for (const [ending, attempts, state, counted, waitMs, lost] of rows) {
    if (ending === undefined) continue;
    const notBefore = waitMs === null ? null : NOW_MS + waitMs;
    t.same(
      outcomeOf(held(attempts), ending, NOW_MS),
      { state, attempts: counted, not_before: notBefore, lost },
      `${JSON.stringify(ending)} after ${attempts}`,
    );
    const canceled = outcomeOf(held(attempts, true), ending, NOW_MS);
    t.same(
      canceled,
      { state: state === "done" ? "done" : "canceled", attempts: counted, not_before: null, lost: false },
      "canceled, unless it is done",
    );
  }
  t.end();
});

t.test("a delay that was set while it was held stays", (t) => {
  const soonMs = NOW_MS + 10;
  const lateMs = NOW_MS + 2_000;
  const rows: readonly (readonly [ending: Ending, setMs: number, notBefore: number | null])[] = [
    [{ kind: "release" }, lateMs, lateMs],
    [{ kind: "ask" }, lateMs, lateMs],
    [{ kind: "loss", loss: "broken" }, lateMs, lateMs],
    [{ kind: "fail", retry: true }, lateMs, lateMs],
    [{ kind: "loss", loss: "expired" }, lateMs, lateMs],
    [{ kind: "fail", retry: true }, soonMs, NOW_MS + 1_000],
    [{ kind: "release" }, NOW_MS, null],
    [{ kind: "ask" }, NOW_MS - 1, null],
    [{ kind: "complete" }, lateMs, null],
  ];
  for (const [ending, setMs, notBefore] of rows)
    t.equal(outcomeOf(held(0, false, setMs), ending, NOW_MS).not_before, notBefore, JSON.stringify(ending));
  t.end();
});

t.test("the delay before the next attempt", (t) => {
  t.same([1, 2, 3, 4].map(backoffMs), [1_000, 4_000, 16_000, 64_000]);
  t.equal(backoffMs(100), TASK_BACKOFF_MS_MAX);
  t.end();
});
