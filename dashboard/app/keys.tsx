/**
 * The keys that work in every view, and the dialog that lists them. Keys without Ctrl or ⌘ can be turned off (WCAG
 * 2.1.4). People who use speech input, or whose hand slips, would press them by accident.
 */
import { useLocation } from "preact-iso/router";
import { useLayoutEffect } from "preact/hooks";
import { addressOf } from "../base/address.js";
import { plainKeys } from "../base/plain-keys.js";
import { Dialog } from "../parts/dialog.js";
import { Switch } from "../parts/fields.js";
import { chooseRow, moveToRow } from "../parts/row-keys.js";
import { VIEWS } from "../views.js";
import { keysListed } from "./keys-listed.js";
import { openPalette } from "./palette.js";

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K", "find anything, or do something"],
  ["/", "search in this view"],
  ["j k", "to the next row, to the previous one"],
  ["x", "select the row, for an action on several"],
  ["↑ ↓", "between the rows of a table"],
  ["Enter", "open what has the focus"],
  ["Esc", "close"],
  ["?", "this list"],
  ...VIEWS.map(({ key, title }) => [`g ${key}`, title] as const),
];

/** The time after `g` within which the next letter counts, in ms. */
const SEQUENCE_MS = 1_500;

/** Returns whether a key press must be ignored: it types text, belongs to an open dialog, or is turned off. */
function isTaken({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (!plainKeys.value || ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return true;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox]), select, textarea"))
  );
}

/** Focuses the search field of the view. If the view has none, opens the palette. */
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
      else if (key === "?") keysListed.value = true;
      else if (key === "/") search();
      else if (key === "j" || key === "k") moveToRow(key === "j" ? 1 : -1);
      else if (key === "x") chooseRow();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  if (!keysListed.value) return null;
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        keysListed.value = false;
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
      <Switch
        label="Keys without Ctrl or ⌘"
        hint="If they are off, Ctrl K still finds views and this list."
        on={plainKeys.value}
        onChange={(on) => {
          plainKeys.value = on;
        }}
      />
    </Dialog>
  );
}
