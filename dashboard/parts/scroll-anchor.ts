/**
 * Keeps the scroll position of a list that grows: the row that the user reads stays in place. At the head of the list
 * the frame stays at the head; at the end of a list that grows there, it stays at the end.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ROW_HEIGHT } from "./virtual.js";

/** The growing side of a list: its head or its end. */
export type Growth = "head" | "end";

/** A frame this close to its end counts as at the end, px. */
const END_PX = 4;

/**
 * Scrolls `scroller` after rows were added.
 * @param keys the keys of all rows, in order
 * @param growth where rows are added; undefined for a list that does not grow
 */
export function useScrollAnchor(
  keys: readonly (string | number)[],
  scroller: RefObject<HTMLElement | null>,
  growth: Growth | undefined,
): void {
  const known = useRef(keys);
  useLayoutEffect(() => {
    const before = known.current;
    known.current = keys;
    const frame = scroller.current;
    if (frame === null || growth === undefined || keys === before || frame.scrollTop <= 0) return;
    const top = topAfter(before, keys, frame, growth);
    if (Math.abs(top - frame.scrollTop) < 1) return;
    frame.scrollTop = top;
    // The rows must be rendered for the new position before the next paint, not a frame later.
    frame.dispatchEvent(new Event("scroll"));
  });
}

/** Returns the new scroll position for a frame whose current position refers to the previous rows. */
function topAfter(
  before: readonly (string | number)[],
  keys: readonly (string | number)[],
  { scrollTop, clientHeight, scrollHeight }: HTMLElement,
  growth: Growth,
): number {
  const height_before = (before.length + 1) * ROW_HEIGHT;
  if (growth === "end" && scrollTop + clientHeight >= height_before - END_PX) return scrollHeight;
  const index = Math.floor(scrollTop / ROW_HEIGHT);
  const key = before[index];
  const now = key === undefined ? -1 : keys.indexOf(key);
  return now < 0 ? scrollTop : scrollTop + (now - index) * ROW_HEIGHT;
}

/** Scrolls until a row is visible below the table's head. */
export function showRow(scroller: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const room = scroller.clientHeight - 2 * ROW_HEIGHT;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
}
