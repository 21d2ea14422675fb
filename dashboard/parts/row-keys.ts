/**
 * Makes the rows of a table clickable. A click on a row clicks the link or button that opens the row. So a row behaves
 * like a link: it can be opened in a new tab, has an address, and has a name for screen readers. The arrow keys move
 * between the rows.
 */

const OPENS = "td.cell-opens :is(a, button)";
/** The links and buttons that open a row: in tables, in the lists of items and of events, and on the board of tasks. */
const ROWS = `main :is(${OPENS}, .need-name, .task-title, .happening-time)`;

const openerOf = (row: Element | null | undefined): HTMLElement | null =>
  row?.querySelector<HTMLElement>(OPENS) ?? null;

/** Opens the row that was clicked. Does nothing if the click was on a link, or if the user is selecting text. */
export function openRow({ target }: MouseEvent): void {
  if (!(target instanceof Element) || target.closest("a, button, summary, input") !== null) return;
  if (getSelection()?.isCollapsed === false) return;
  openerOf(target.closest("tr"))?.click();
}

/** Moves the focus from the link of one row to the link of the next row above or below. */
export function moveBetweenRows(event: KeyboardEvent): void {
  const { key, target } = event;
  const row = target instanceof Element && target.matches(OPENS) ? target.closest("tr") : null;
  if (row === null || (key !== "ArrowDown" && key !== "ArrowUp")) return;
  event.preventDefault();
  openerOf(key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling)?.focus();
}

/** Moves the focus to the next or previous row of the view. If no row has the focus, moves it to the first row. */
export function moveToRow(step: 1 | -1): void {
  const openers = [...document.querySelectorAll<HTMLElement>(ROWS)];
  const focused = document.activeElement?.closest("tr, li");
  const at = openers.findIndex((opener) => focused?.contains(opener));
  (at < 0 ? openers[0] : openers[at + step])?.focus();
}

/** Selects the row that has the focus, or deselects it. Does nothing if the rows of the view cannot be selected. */
export function chooseRow(): void {
  document.activeElement?.closest("tr, li")?.querySelector<HTMLInputElement>(".row-choice")?.click();
}
