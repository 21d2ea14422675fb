/**
 * Makes the rows of a table clickable. A click on a row clicks the link or button in its cell that opens it, so the
 * address, a new tab and the name for screen readers stay those of the link. The arrow keys move between the rows.
 */

const OPENS = ".cell-opens :is(a, button)";

const openerOf = (row: Element | null | undefined): HTMLElement | null =>
  row?.querySelector<HTMLElement>(OPENS) ?? null;

/** Opens the row that was clicked, unless the click was on a link or the user is selecting text. */
export function openRow({ target }: MouseEvent): void {
  if (!(target instanceof Element) || target.closest("a, button, summary, input") !== null) return;
  if (getSelection()?.isCollapsed === false) return;
  openerOf(target.closest("tr"))?.click();
}

/** Moves the focus from the link of one row to that of the next row above or below. */
export function moveBetweenRows(event: KeyboardEvent): void {
  const { key, target } = event;
  const row = target instanceof Element && target.matches(OPENS) ? target.closest("tr") : null;
  if (row === null || (key !== "ArrowDown" && key !== "ArrowUp")) return;
  event.preventDefault();
  openerOf(key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling)?.focus();
}
