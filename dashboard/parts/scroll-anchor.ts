/**
 * Keeps the scroll position of a list while rows are added. The row that the user reads stays in place. A user at the
 * head of the list stays at the head. If the list grows at its end, a user at the end stays at the end.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { rowHeightOf } from "./virtual.js";

/** The side of a list at which rows are added. */
export type Growth = "head" | "end";

/** A frame counts as scrolled to its end if it is at most this far from the end, in px. */
const END_PX = 4;

/**
 * Adjusts the scroll position of `scroller` after rows were added.
 * @param keys the keys of all rows, in order
 * @param growth the side where rows are added; undefined if the list does not grow
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
    // Notifies the list of the scroll at once. Otherwise the browser would draw one frame without the rows at the new
    // position.
    frame.dispatchEvent(new Event("scroll"));
  });
}

/** Returns the scroll position at which the user sees the same rows as before the change. */
function topAfter(
  before: readonly (string | number)[],
  keys: readonly (string | number)[],
  frame: HTMLElement,
  growth: Growth,
): number {
  const { scrollTop, clientHeight, scrollHeight } = frame;
  const height = rowHeightOf(frame);
  const heightBefore = (before.length + 1) * height;
  if (growth === "end" && scrollTop + clientHeight >= heightBefore - END_PX) return scrollHeight;
  const index = Math.floor(scrollTop / height);
  const key = before[index];
  const now = key === undefined ? -1 : keys.indexOf(key);
  return now < 0 ? scrollTop : scrollTop + (now - index) * height;
}

/** Scrolls so that a row is visible below the head of the table. */
export function showRow(scroller: HTMLElement, index: number): void {
  const height = rowHeightOf(scroller);
  const top = index * height;
  const room = scroller.clientHeight - 2 * height;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
}
