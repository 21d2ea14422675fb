/**
 * The state of `top` that key presses change: the view, the selected row, the sorting, the filter, the help and the
 * pause. Pure; runs in the CLI process.
 */
import { hasControlCharacter } from "../../schemas/visible-text.js";
import { VIEW_NAMES, type ViewName } from "./data.js";
import type { Sorting } from "./rows.js";

export interface Controls {
  readonly view: ViewName;
  readonly sorting: Readonly<Record<ViewName, Sorting>>;
  readonly filter: string;
  /** Whether the user is editing the filter, so that typed characters are added to it. */
  readonly isTyping: boolean;
  readonly isHelp: boolean;
  readonly isPaused: boolean;
  /** The index of the selected row (`selected`), and of the first row on the screen (`first`). */
  readonly selected: number;
  readonly first: number;
}

const OWN_ORDER: Sorting = { column: null, isReverse: false };

export function startControls(view: ViewName): Controls {
  const sorting = Object.fromEntries(VIEW_NAMES.map((name) => [name, OWN_ORDER])) as Controls["sorting"];
  return { view, sorting, filter: "", isTyping: false, isHelp: false, isPaused: false, selected: 0, first: 0 };
}

/** A pressed key: the name that Node's readline gives it, such as `pagedown`, and the character that it types. */
export interface Key {
  readonly name: string;
  readonly text: string;
  readonly isCtrl: boolean;
  readonly isShift: boolean;
}

/** The numbers of rows and columns that are shown when a key is pressed. */
export interface Shown {
  /** The number of rows that match the filter. */
  readonly rows: number;
  /** The number of rows that fit on the screen. */
  readonly page: number;
  /** The number of columns of the view. */
  readonly columns: number;
}

/** The action that follows a key press. */
export type Action = "draw" | "quit" | "suspend" | "repaint";

const TOP_OF_LIST = { selected: 0, first: 0 } as const;

/** Corrects the controls so that the selected row exists and is on the screen. */
export function scroll(controls: Controls, { rows, page }: Pick<Shown, "rows" | "page">): Controls {
  const selected = Math.max(0, Math.min(controls.selected, rows - 1));
  const around = Math.max(Math.min(controls.first, selected), selected - page + 1);
  const first = Math.max(0, Math.min(around, rows - page));
  return { ...controls, selected, first };
}

function chooseView(controls: Controls, at: number): Controls {
  const view = VIEW_NAMES[(at + VIEW_NAMES.length) % VIEW_NAMES.length] ?? controls.view;
  return { ...controls, view, ...TOP_OF_LIST };
}

/**
 * Selects the next or the previous column for sorting. The cycle of columns also has a step without a column, at which
 * the rows have their own order.
 */
function chooseColumn(controls: Controls, step: 1 | -1, columns: number): Controls {
  const { column, isReverse } = controls.sorting[controls.view];
  const next = ((column ?? -1) + step + 1 + columns + 1) % (columns + 1);
  const sorting: Sorting = { column: next === 0 ? null : next - 1, isReverse };
  return { ...controls, sorting: { ...controls.sorting, [controls.view]: sorting }, ...TOP_OF_LIST };
}

function reverse(controls: Controls): Controls {
  const { column, isReverse } = controls.sorting[controls.view];
  return { ...controls, sorting: { ...controls.sorting, [controls.view]: { column, isReverse: !isReverse } } };
}

function type(controls: Controls, { name, text, isCtrl }: Key): Controls {
  const { filter } = controls;
  if (name === "return" || name === "enter") return { ...controls, isTyping: false };
  if (name === "escape") return { ...controls, isTyping: false, filter: "" };
  if (name === "backspace") return { ...controls, filter: filter.replace(/.$/u, "") };
  if (isCtrl && name === "u") return { ...controls, filter: "" };
  return text !== "" && !hasControlCharacter(text) && !isCtrl
    ? { ...controls, filter: filter + text, ...TOP_OF_LIST }
    : controls;
}

/** Returns the controls after a key that moves the selection. Returns undefined for any other key. */
function move(controls: Controls, { name, text }: Key, { rows, page }: Shown): Controls | undefined {
  const steps: Readonly<Record<string, number>> = {
    up: -1,
    down: 1,
    k: -1,
    j: 1,
    pageup: -page,
    pagedown: page,
    home: -rows,
    end: rows,
  };
  const step = Object.hasOwn(steps, name) ? steps[name] : Object.hasOwn(steps, text) ? steps[text] : undefined;
  // The view may have lost rows since the last key press, so the selection may be below the last row.
  const from = Math.min(controls.selected, Math.max(0, rows - 1));
  return step === undefined ? undefined : { ...controls, selected: Math.max(0, Math.min(from + step, rows - 1)) };
}

/** Returns the controls after a key press, and the action that follows it. */
export function press(controls: Controls, key: Key, shown: Shown): readonly [Controls, Action] {
  const { name, text, isCtrl, isShift } = key;
  if (isCtrl && name === "c") return [controls, "quit"];
  if (isCtrl && name === "z") return [controls, "suspend"];
  if (isCtrl && name === "l") return [controls, "repaint"];
  if (controls.isTyping) return [type(controls, key), "draw"];
  if (text === "q" || name === "f10") return [controls, "quit"];
  // Each key that was not handled above closes the help.
  if (controls.isHelp) return [{ ...controls, isHelp: false }, "draw"];
  if (name === "f1" || text === "h" || text === "?") return [{ ...controls, isHelp: true }, "draw"];
  if (text === "/" || name === "f4") return [{ ...controls, isTyping: true }, "draw"];
  if (name === "escape") return [{ ...controls, filter: "" }, "draw"];
  if (text === " " || text === "p") return [{ ...controls, isPaused: !controls.isPaused }, "draw"];
  if (text === "<") return [chooseColumn(controls, -1, shown.columns), "draw"];
  if (text === ">" || name === "f6") return [chooseColumn(controls, 1, shown.columns), "draw"];
  if (text === "r" || text === "I") return [reverse(controls), "draw"];
  const at = VIEW_NAMES.indexOf(controls.view);
  if (name === "tab") return [chooseView(controls, at + (isShift ? -1 : 1)), "draw"];
  const digit = /^[1-9]$/.test(text) ? Number(text) : 0;
  if (digit > 0 && digit <= VIEW_NAMES.length) return [chooseView(controls, digit - 1), "draw"];
  return [move(controls, key, shown) ?? controls, "draw"];
}
