/**
 * A frame of rows that come and go while somebody reads: the row that is looked at stays where it is. Who is at the
 * head of the list stays there, and so does who went to the end of one that grows there.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ROW_HEIGHT } from "./virtual.js";

/** Where a list grows. */
export type Growth = "head" | "end";

/** So near to the end is at the end, px. */
const END_PX = 4;

/**
 * @param keys the keys of all rows, in their order
 * @param growth where rows are added; undefined for a list that stands still
 */
export function useSteadyRows(
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
    // Whoever draws the rows hears of it before they are painted, not a frame later.
    frame.dispatchEvent(new Event("scroll"));
  });
}

/** Where a frame is to be scrolled to, which still stands where it stood over the rows of before. */
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

/** Scrolls so far that a row can be seen below the head. */
export function showRow(scroller: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const room = scroller.clientHeight - 2 * ROW_HEIGHT;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
}
