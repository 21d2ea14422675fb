/**
 * A frame of rows that come and go while somebody reads: the row that is looked at stays where it is. Who is at the
 * head of the list stays there, and so does who went to the end of one that grows there.
 */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ROW_HEIGHT } from "./virtual.js";

/** Where a list grows. */
export type Growth = "head" | "end";

interface Place {
  readonly key: string | number;
  /** How far the row is scrolled out, px. */
  readonly offset: number;
}

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
  const place = useRef<Place | "head" | "end">("head");
  const known = useRef(keys);
  useEffect(() => {
    const element = scroller.current;
    if (element === null || growth === undefined) return undefined;
    const note = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const index = Math.floor(scrollTop / ROW_HEIGHT);
      const key = known.current[index];
      if (scrollTop <= 0 || key === undefined) place.current = "head";
      else if (growth === "end" && scrollTop + clientHeight >= scrollHeight - END_PX) place.current = "end";
      else place.current = { key, offset: scrollTop - index * ROW_HEIGHT };
    };
    element.addEventListener("scroll", note, { passive: true });
    return () => element.removeEventListener("scroll", note);
  }, [growth]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || growth === undefined || keys === known.current) return;
    known.current = keys;
    const at = place.current;
    if (at === "head") return;
    const index = at === "end" ? -1 : keys.indexOf(at.key);
    const top = at === "end" ? element.scrollHeight : index < 0 ? element.scrollTop : index * ROW_HEIGHT + at.offset;
    if (Math.abs(top - element.scrollTop) < 1) return;
    element.scrollTop = top;
    // Whoever draws the rows hears of it before they are painted, not a frame later.
    element.dispatchEvent(new Event("scroll"));
  });
}

/** Scrolls so far that a row can be seen below the head. */
export function showRow(scroller: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const room = scroller.clientHeight - 2 * ROW_HEIGHT;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
}
