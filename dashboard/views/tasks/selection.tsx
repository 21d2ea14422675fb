/** The actions on several tasks at once: cancel, retry. The user selects tasks on the board by their checkboxes. */
import { type Signal, useSignal } from "@preact/signals";
import { reasonOf } from "../../api/client.js";
import { changeTask, mayChange } from "../../api/tasks.js";
import type { ListedTask } from "../../api/types.js";
import { plural } from "../../base/format.js";
import { Button } from "../../parts/button.js";
import { attempt } from "../../parts/toasts.js";
import { CancelDialog } from "./cancel-dialog.js";
import { canCancel, canRetry } from "./model.js";

/** The ids of the selected tasks. Tasks that are no longer listed may be among them. */
export type Selected = Signal<ReadonlySet<string>>;

export function toggle(selected: Selected, id: string): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
}

/**
 * Sends an action on each task, one after the other. Tasks for which it fails stay selected.
 * @throws Error if it failed for some of them
 */
async function changeAll(
  selected: Selected,
  tasks: readonly ListedTask[],
  action: "cancel" | "retry",
  body: object,
): Promise<void> {
  const failed = new Map<string, string>();
  for (const { id } of tasks) {
    try {
      await changeTask(id, action, body);
    } catch (error) {
      failed.set(id, reasonOf(error));
    }
  }
  selected.value = new Set(failed.keys());
  const [reason] = failed.values();
  if (reason !== undefined) throw new Error(`${failed.size} of ${plural(tasks.length, "task")} failed: ${reason}`);
}

interface SelectionProps {
  readonly selected: Selected;
  /** All listed tasks. */
  readonly tasks: readonly ListedTask[];
}

export function Selection({ selected, tasks }: SelectionProps) {
  const asking = useSignal(false);
  const reason = useSignal("");
  const chosen = tasks.filter(({ id }) => selected.value.has(id));
  if (chosen.length === 0) return null;
  const allowed = chosen.filter(mayChange);
  const [open, ended] = [allowed.filter(canCancel), allowed.filter(canRetry)];
  const cancel = async (body: object): Promise<boolean> => {
    const done = `Cancellation of ${plural(open.length, "task")} requested`;
    const succeeded = await attempt(() => changeAll(selected, open, "cancel", body), done);
    // No task is selected any more, so the dialog is removed before it can close itself.
    if (succeeded) {
      asking.value = false;
      reason.value = "";
    }
    return succeeded;
  };
  const retry = (): Promise<boolean> =>
    attempt(() => changeAll(selected, ended, "retry", {}), `${plural(ended.length, "task")} ready again`);
  return (
    <div class="task-selection card" role="region" aria-label="Selected tasks">
      <span role="status">{plural(chosen.length, "task")} selected</span>
      <Button
        kind="danger"
        disabled={open.length === 0}
        onClick={() => {
          asking.value = true;
        }}
      >
        {`Cancel ${open.length}`}
      </Button>
      <Button disabled={ended.length === 0} onClick={retry}>
        {`Retry ${ended.length}`}
      </Button>
      <Button
        onClick={() => {
          selected.value = new Set();
        }}
      >
        Select none
      </Button>
      {asking.value && (
        <CancelDialog
          title={`Cancel ${plural(open.length, "task")}?`}
          action="Cancel the tasks"
          reason={reason}
          onCancel={cancel}
          onClose={() => {
            asking.value = false;
          }}
        >
          <ul>
            {open.map(({ id, title }) => (
              <li key={id}>{title}</li>
            ))}
          </ul>
          <p>The holder of a claimed task is notified at its next progress report, and then releases the task.</p>
        </CancelDialog>
      )}
    </div>
  );
}
