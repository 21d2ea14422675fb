/**
 * Assigns the rendered rows of a growing list to slots. A slot is the key of a row's component. A row keeps its slot
 * while it is rendered. After that, a new row gets the slot, and the browser only changes the texts of the existing
 * row. This is much cheaper than removing the row and creating another one.
 */
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";

type Key = string | number;

/**
 * Returns the slots of rows by their keys, in the order of the rows. Free slots are used in the order of their former
 * rows, so that few elements change their place.
 * @param before the slots of the rows that are rendered now
 * @param busy a slot that must not be used for another row now
 */
export function assignSlots(
  before: ReadonlyMap<Key, number>,
  keys: readonly Key[],
  busy: number | null,
): ReadonlyMap<Key, number> {
  const staying = new Set(keys);
  const free = [...before].filter(([key, slot]) => !staying.has(key) && slot !== busy).map(([, slot]) => slot);
  const taken = new Set(before.values());
  const unused = (): number => {
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    return slot;
  };
  return new Map(keys.map((key) => [key, before.get(key) ?? free.shift() ?? unused()]));
}

/** Returns the slot of the row that has the focus; null if no row has it. */
function focusedSlot(frame: HTMLElement | null): number | null {
  const { activeElement } = document;
  if (frame === null || activeElement === null || !frame.contains(activeElement)) return null;
  const slot = activeElement.closest<HTMLElement>("[data-slot]")?.dataset["slot"];
  return slot === undefined ? null : Number(slot);
}

/**
 * Returns the slots of the rows with these keys. The slot of the focused row is not used for another row, because the
 * user would then open the wrong row.
 */
export function useRowSlots(keys: readonly Key[], frame: RefObject<HTMLElement | null>): ReadonlyMap<Key, number> {
  const known = useRef<ReadonlyMap<Key, number>>(new Map());
  known.current = assignSlots(known.current, keys, focusedSlot(frame.current));
  return known.current;
}
