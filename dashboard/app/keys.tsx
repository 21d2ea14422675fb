/** The keys that work on every view, and the dialog that lists them. */
import { signal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useLayoutEffect } from "preact/hooks";
import { addressOf } from "../base/address.js";
import { Dialog } from "../parts/dialog.js";
import { VIEWS } from "../views.js";
import { openPalette } from "./palette.js";

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K", "find anything, or do something"],
  ["/", "search in this view"],
  ["↑ ↓", "between the rows of a table"],
  ["Enter", "open what has the focus"],
  ["Esc", "close"],
  ["?", "this list"],
  ...VIEWS.map(({ key, title }) => [`g ${key}`, title] as const),
];

/** The time within which a letter after `g` counts, ms. */
const SEQUENCE_MS = 1_500;

const listed = signal(false);

/** Returns whether a key press is text, or belongs to an open dialog. */
function isTaken({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return true;
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, select, textarea"));
}

/** Focuses the search field of the view. A view without one has the palette. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field === null) openPalette();
  else field.select();
  field?.focus();
}

export function Keys() {
  const { route } = useLocation();
  useLayoutEffect(() => {
    let startedMs = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent): void => {
      if (isTaken(event)) return;
      const { key, timeStamp } = event;
      const follows = timeStamp - startedMs < SEQUENCE_MS;
      startedMs = key === "g" ? timeStamp : Number.NEGATIVE_INFINITY;
      const view = follows ? VIEWS.find((one) => one.key === key) : undefined;
      if (view !== undefined) route(addressOf(view.slug));
      else if (key === "?") listed.value = true;
      else if (key === "/") search();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  if (!listed.value) return null;
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        listed.value = false;
      }}
    >
      <dl class="facts keys">
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
