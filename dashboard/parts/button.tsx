/** Buttons. One that does something on the server is busy until that is done. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void | Promise<unknown>;
  /** `primary` is the one that is meant, `danger` one that takes something away, `quiet` one of many in a list. */
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly disabled?: boolean;
  /** Why it is disabled, or what it does beyond its name. */
  readonly title?: string;
  /** Its whole name where its text alone does not say what it is about. */
  readonly label?: string;
  readonly pressed?: boolean;
}

export function Button({ children, onClick, kind = "plain", disabled = false, title, label, pressed }: ButtonProps) {
  const busy = useSignal(false);
  const click = (): void => {
    // A second click may come before the button is drawn as disabled.
    if (busy.value) return;
    const work = onClick();
    if (!(work instanceof Promise)) return;
    busy.value = true;
    void work.finally(() => {
      busy.value = false;
    });
  };
  return (
    <button
      type="button"
      class={kind === "plain" ? "button" : `button button-${kind}`}
      disabled={disabled || busy.value}
      aria-busy={busy.value}
      title={title}
      aria-label={label}
      aria-pressed={pressed}
      onClick={click}
    >
      {children}
    </button>
  );
}

interface CopyButtonProps {
  readonly text: string;
  readonly what: string;
  /** What it says where there is more than one of them. */
  readonly name?: string;
}

/** Copies a text; says so. */
export function CopyButton({ text, what, name = "Copy" }: CopyButtonProps) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1_500);
  };
  // Browsers give the clipboard to pages of https and of this machine only.
  if (navigator.clipboard === undefined) return null;
  return (
    <Button onClick={copy} label={`Copy ${what}`}>
      {copied.value ? "Copied" : name}
    </Button>
  );
}
