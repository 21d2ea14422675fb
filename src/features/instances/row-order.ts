/**
 * Keeps lists of instances in the order of their rows. Rows are numbered in the order of registration. So the last
 * instance of a list is the newest, and a new instance is nearly always added at the end. Pure.
 */

export interface Numbered {
  readonly row: number;
}

/** Adds an item that is not in the list yet. */
export function addByRow<Item extends Numbered>(list: Item[], item: Item): void {
  const last = list[list.length - 1];
  if (last === undefined || last.row < item.row) list.push(item);
  else list.splice(positionOf(list, item.row), 0, item);
}

/** Removes an item. Does nothing if the list does not contain it. */
export function removeByRow<Item extends Numbered>(list: Item[], item: Item): void {
  const at = positionOf(list, item.row);
  if (list[at] === item) list.splice(at, 1);
}

/** Returns the position of the first item whose row is at least `row`. */
function positionOf(list: readonly Numbered[], row: number): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((list[middle]?.row ?? row) < row) from = middle + 1;
    else to = middle;
  }
  return from;
}
