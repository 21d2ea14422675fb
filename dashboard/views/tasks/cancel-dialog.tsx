/** The dialog that asks for a reason before it cancels one task or several. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Confirm } from "../../parts/dialog.js";
import { TextField } from "../../parts/fields.js";

interface CancelDialogProps {
  readonly title: string;
  /** The name of the button that cancels. */
  readonly action: string;
  /** The typed reason. */
  readonly reason: Signal<string>;
  /** Explains what cancelling does. */
  readonly children: ComponentChildren;
  /** Called with the body of the request. The dialog stays open if it returns false. */
  readonly onCancel: (body: object) => Promise<boolean | void>;
  readonly onClose: () => void;
}

export function CancelDialog({ title, action, reason, children, onCancel, onClose }: CancelDialogProps) {
  const cancel = (): Promise<boolean | void> => {
    const said = reason.value.trim();
    return onCancel(said === "" ? {} : { reason: said });
  };
  return (
    <Confirm title={title} action={action} danger onConfirm={cancel} onClose={onClose}>
      {children}
      <TextField
        label="Reason"
        value={reason.value}
        onInput={(text) => {
          reason.value = text;
        }}
      />
    </Confirm>
  );
}
