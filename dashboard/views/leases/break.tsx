/** A button that breaks a lease or removes a waiting request. The user gives a reason, which the holder sees. */
import { useSignal } from "@preact/signals";
import { breakLease } from "../../api/leases.js";
import { mayDecide } from "../../api/session.js";
import type { Lease } from "../../api/types.js";
import { Button } from "../../parts/button.js";
import { Confirm } from "../../parts/dialog.js";
import { TextField } from "../../parts/fields.js";
import { attempt } from "../../parts/toasts.js";

interface BreakProps {
  readonly lease: Lease;
  readonly onDone: () => Promise<void>;
}

export function Break({ lease: { id, state, holder, fence, task }, onDone }: BreakProps) {
  const asking = useSignal(false);
  const reason = useSignal("");
  const may = mayDecide.value;
  const take = async (): Promise<void> => {
    if (await attempt(() => breakLease(id, reason.value.trim()), `Lease ${id} broken`)) await onDone();
  };
  return (
    <>
      <Button
        kind="danger"
        disabled={!may}
        title={may ? "Takes the lease from its holder" : "This needs the server's token."}
        onClick={() => {
          asking.value = true;
        }}
      >
        Break
      </Button>
      {asking.value && (
        <Confirm
          title={`Break ${id}?`}
          action="Break"
          danger
          ready={reason.value.trim() !== ""}
          onConfirm={take}
          onClose={() => {
            asking.value = false;
          }}
        >
          <p>
            {state === "waiting"
              ? `The request of ${holder.name} leaves the wait queue. The agent is notified and may request again.`
              : `${holder.name} loses the lease immediately, and the next waiter gets it. Koor refuses further ` +
                `writes under fence ${fence ?? ""}, but cannot stop the agent from changing files.`}
            {task !== null && ` Its task ${task} is requeued, too.`}
          </p>
          <TextField
            label="Reason"
            placeholder="the release is today"
            hint={`${holder.name} sees it, and the audit log keeps it.`}
            value={reason.value}
            onInput={(text) => {
              reason.value = text;
            }}
          />
        </Confirm>
      )}
    </>
  );
}
