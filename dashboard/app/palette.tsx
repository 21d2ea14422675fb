/**
 * The command palette. It finds everything that has a page, and the available actions. Ctrl K opens it. The user types
 * a few letters and presses Enter.
 */
import { signal, useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { VIEWS } from "../views.js";
import { addressOf } from "../base/address.js";
import { nextTheme } from "../base/theme.js";
import { find } from "./find.js";
import { loadFindable, type Found } from "./findable.js";
import { keysListed } from "./keys-listed.js";

/** An entry with an address to open, or a command without an address. */
type Entry = Found | (Omit<Found, "address"> & { readonly run: () => void });

const SHOWN_MAX = 12;
const open = signal(false);

/** Opens the palette. */
export function openPalette(): void {
  open.value = true;
}

const FIXED: readonly Entry[] = [
  ...VIEWS.map(({ slug, title, about }) => ({ text: `${title}: ${about}`, kind: "view", address: addressOf(slug) })),
  { text: "Add task", kind: "command", address: addressOf("tasks") },
  { text: "Send message", kind: "command", address: addressOf("messages") },
  { text: "Add webhook", kind: "command", address: addressOf("webhooks") },
  { text: "Change theme (light, dark, system)", kind: "command", run: nextTheme },
  {
    text: "Keys: list them, or turn off those without Ctrl",
    kind: "command",
    run: () => {
      keysListed.value = true;
    },
  },
];

export function Palette() {
  // The listener is added before the first paint, so that no key press after it is lost.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      open.value = true;
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return open.value ? <OpenPalette /> : null;
}

function OpenPalette() {
  const { route } = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  const wanted = useSignal("");
  const at = useSignal(0);
  const entries = useSignal<readonly Entry[]>(FIXED);
  const found = useMemo(() => find(entries.value, wanted.value).slice(0, SHOWN_MAX), [entries.value, wanted.value]);
  // The dialog opens before the first paint, so that it receives the next key that the user presses.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const left = new AbortController();
    loadFindable((more) => {
      entries.value = [...FIXED, ...more];
    }, left.signal);
    return () => left.abort();
  }, []);
  const choose = (entry: Entry | undefined): void => {
    if (entry === undefined) return;
    open.value = false;
    if ("run" in entry) entry.run();
    else route(entry.address);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      at.value = (at.value + step + found.length) % Math.max(1, found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(found[at.value]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Go to"
      onClose={() => {
        open.value = false;
      }}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <input
        type="text"
        role="combobox"
        aria-label="Find anything, or do something"
        aria-expanded="true"
        aria-controls="palette-found"
        aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `palette-${at.value}` : undefined}
        placeholder="A view, an agent, a task, a key, “break lease”…"
        value={wanted.value}
        onInput={({ currentTarget }) => {
          wanted.value = currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKey}
      />
      {found.length === 0 ? (
        <p class="hint">No match.</p>
      ) : (
        <ul id="palette-found" role="listbox" aria-label="Found">
          {found.map((entry, index) => (
            <li
              key={`${entry.kind} ${entry.text} ${index}`}
              id={`palette-${index}`}
              role="option"
              aria-selected={index === at.value}
              onClick={() => choose(entry)}
            >
              <span class="palette-text">{entry.text}</span>
              <span class="palette-kind">{entry.kind}</span>
            </li>
          ))}
        </ul>
      )}
    </dialog>
  );
}
