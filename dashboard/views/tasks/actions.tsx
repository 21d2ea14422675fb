/** The actions on a task: cancel, retry. */
import { useSignal } from "@preact/signals";
import { changeTask, mayChange } from "../../api/tasks.js";
import type { Task } from "../../api/types.js";
import { Button } from "../../parts/button.js";
import { attempt } from "../../parts/toasts.js";
import { CancelDialog } from "./cancel-dialog.js";
import { canCancel, canRetry } from "./model.js";

export interface ActionProps {
  readonly task: Task;
  readonly onDone: () => Promise<void>;
}

/** Returns whether the actions on a task are disabled, and why. */
export function permission(task: Task): { readonly disabled: boolean; readonly title?: string } {
  return mayChange(task)
    ? { disabled: false }
    : { disabled: true, title: "This needs the server's token, or the token of its creator or holder." };
}

export function Actions({ task, onDone }: ActionProps) {
  const asking = useSignal(false);
  const reason = useSignal("");
  const { id, state, holder } = task;
  const retry = async (): Promise<void> => {
    if (await attempt(() => changeTask(id, "retry"), `Task ${id} ready again`)) await onDone();
  };
  const cancel = async (body: object): Promise<void> => {
    if (await attempt(() => changeTask(id, "cancel", body), `Cancellation of task ${id} requested`)) await onDone();
  };
  return (
    <>
      {canRetry(task) && (
        <Button kind="primary" onClick={retry} {...permission(task)}>
          Retry
        </Button>
      )}
      {canCancel(task) && (
        <Button
          kind="danger"
          onClick={() => {
            asking.value = true;
          }}
          {...permission(task)}
        >
          Cancel
        </Button>
      )}
      {asking.value && (
        <CancelDialog
          title={`Cancel ${id}?`}
          action="Cancel the task"
          reason={reason}
          onCancel={cancel}
          onClose={() => {
            asking.value = false;
          }}
        >
          <p>
            {state === "claimed"
              ? `${holder?.name ?? ""} is notified at its next progress report, and then releases the task. ` +
                "If it completes the task first, the task is done."
              : "No agent can claim it any more. Tasks that depend on it stay blocked."}
          </p>
        </CancelDialog>
      )}
    </>
  );
}
