/** Buttons. If a button's action returns a promise, the button is disabled until the promise settles. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void | Promise<unknown>;
  /**
   * The appearance. `primary` is for the main action, `danger` for an action that removes something, and `quiet` for a
   * button that is repeated in a list.
   */
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly disabled?: boolean;
  /** The tooltip. It says why the button is disabled, or what the button does beyond its name. */
  readonly title?: string;
  /** The accessible name. It is needed if the text on the button alone is ambiguous. */
  readonly label?: string;
  readonly pressed?: boolean;
}

export function Button({ children, onClick, kind = "plain", disabled = false, title, label, pressed }: ButtonProps) {
  const busy = useSignal(false);
  const click = (): void => {
    // A second click may arrive before the button has been rendered as disabled.
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
  /** The text on the button. It is needed to tell several copy buttons apart. */
  readonly name?: string;
}

/** A button that copies a text to the clipboard and confirms that. */
export function CopyButton({ text, what, name = "Copy" }: CopyButtonProps) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1_500);
  };
  // Browsers give access to the clipboard only to https pages and to pages of localhost.
  if (navigator.clipboard === undefined) return null;
  return (
    <Button onClick={copy} label={`Copy ${what}`}>
      {copied.value ? "Copied" : name}
    </Button>
  );
}
