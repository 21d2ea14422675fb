/** A button that opens a form in a dialog. It is left out for a user who may not make changes. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { mayWrite } from "../api/session.js";
import { Button } from "./button.js";

interface FormButtonProps {
  readonly label: string;
  /** Returns the form. The form calls `onClose` when the user has completed or cancelled it. */
  readonly form: (onClose: () => void) => ComponentChildren;
}

export function FormButton({ label, form }: FormButtonProps) {
  const open = useSignal(false);
  const set = (value: boolean) => (): void => {
    open.value = value;
  };
  if (!mayWrite.value) return null;
  return (
    <>
      <Button onClick={set(true)}>{label}</Button>
      {open.value && form(set(false))}
    </>
  );
}
