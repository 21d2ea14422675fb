/** Modal dialogs: a confirmation, or a form above the page. The Escape key closes them. */
import type { ComponentChildren, RefObject } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./button.js";

/** Opens a dialog before the first paint, so that it receives the next key that the user presses. */
function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return dialog;
}

interface ConfirmProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** The text of the button that confirms. */
  readonly action: string;
  readonly danger?: boolean;
  /** Set if the content needs the whole width of the page, for example for two texts side by side. */
  readonly wide?: true;
  /** Whether the confirm button is enabled. It is disabled, for example, while a required field is empty. */
  readonly ready?: boolean;
  /** Called when the user confirms. If it resolves to false, the dialog stays open, so that the input is not lost. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps) {
  const { title, children, action, danger = false, wide, ready = true, onConfirm, onClose } = props;
  const dialog = useModal();
  const id = useId();
  const confirm = async (): Promise<void> => {
    if ((await onConfirm()) !== false) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class={wide === true ? "dialog dialog-wide" : "dialog"} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <div>{children}</div>
      <div class="dialog-actions">
        <Button onClick={() => dialog.current?.close()}>Cancel</Button>
        <Button kind={danger ? "danger" : "primary"} disabled={!ready} onClick={confirm}>
          {action}
        </Button>
      </div>
    </dialog>
  );
}

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
}

/** A dialog that contains a tool or a form. */
export function Dialog({ title, children, onClose }: DialogProps) {
  const dialog = useModal();
  const id = useId();
  return (
    <dialog ref={dialog} class="dialog dialog-wide" aria-labelledby={id} onClose={onClose}>
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        <div>
          <Button onClick={() => dialog.current?.close()}>Close</Button>
        </div>
      </div>
      {children}
    </dialog>
  );
}
