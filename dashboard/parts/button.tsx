/** Buttons. A button whose action returns a promise is disabled until the promise settles. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void | Promise<unknown>;
  /** `primary` is the main action, `danger` removes something, `quiet` is for one of many in a list. */
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly disabled?: boolean;
  /** Why it is disabled, or what it does beyond its name. */
  readonly title?: string;
  /** The accessible name, if the text alone is ambiguous. */
  readonly label?: string;
  readonly pressed?: boolean;
}

export function Button({ children, onClick, kind = "plain", disabled = false, title, label, pressed }: ButtonProps) {
  const busy = useSignal(false);
  const click = (): void => {
    // A second click may arrive before the button is rendered as disabled.
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
  /** The button's text, if there are several copy buttons. */
  readonly name?: string;
}

/** Copies a text to the clipboard and confirms it. */
export function CopyButton({ text, what, name = "Copy" }: CopyButtonProps) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1_500);
  };
  // Browsers offer the clipboard only to https pages and to localhost.
  if (navigator.clipboard === undefined) return null;
  return (
    <Button onClick={copy} label={`Copy ${what}`}>
      {copied.value ? "Copied" : name}
    </Button>
  );
}
