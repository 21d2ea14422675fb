/** The button that breaks a lease or removes a waiting request, with a reason that its holder sees. */
import { useSignal } from "@preact/signals";
import { breakLease } from "../../api/leases.js";
import { may_decide } from "../../api/session.js";
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
  const may = may_decide.value;
  const take = async (): Promise<void> => {
    if (await attempt(() => breakLease(id, reason.value.trim()), `${id} is broken.`)) await onDone();
  };
  return (
    <>
      <Button
        kind="danger"
        disabled={!may}
        title={may ? "Takes it from its holder" : "This needs the server's token."}
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
              ? `The request of ${holder.name} leaves the line. It is told so, and may ask again.`
              : `${holder.name} loses it at once, and whoever waits is next. What it still writes to Koor under ` +
                `fence ${fence ?? ""} is refused; files that it goes on changing nobody keeps from it.`}
            {task !== null && ` Its task ${task} is given back, too.`}
          </p>
          <TextField
            label="Reason"
            placeholder="the release is today"
            hint={`${holder.name} and the audit log are told.`}
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
