/**
 * Which rows of a long list can be seen: only they are drawn. By hand because all rows have one height, so that it is
 * a division; libraries measure rows of any height, for nine of the 120 kB that the page may have.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Of each row, px; as `--row` in the style sheet. */
export const ROW_HEIGHT = 36;
/** Rows above and below those that can be seen, so that scrolling meets no empty space. */
const OVERSCAN = 12;
/** The first row moves on in steps: not each of them is drawn anew. */
const STEP = 4;
/** Before the frame's height is known. */
const FIRST_COUNT = 30;

export interface VirtualRows {
  /** Indexes of the rows to draw. */
  readonly indexes: readonly number[];
  /** Empty space above and below them, px. */
  readonly above: number;
  readonly below: number;
  /** Brings a row into sight. */
  readonly scrollTo: (index: number) => void;
}

/** What of the list is in sight: its first row, rounded down to a step, and how many. */
interface Sight {
  readonly first: number;
  readonly count: number;
}

function sightOf({ scrollTop, clientHeight }: HTMLElement): Sight {
  const first = Math.floor(scrollTop / ROW_HEIGHT / STEP) * STEP;
  return { first, count: Math.ceil(clientHeight / ROW_HEIGHT) + STEP };
}

/**
 * @param rows how many there are
 * @param scroller what is scrolled
 */
export function useVirtualRows(rows: number, scroller: RefObject<HTMLElement | null>): VirtualRows {
  const [sight, setSight] = useState<Sight>({ first: 0, count: FIRST_COUNT });
  useLayoutEffect(() => {
    const frame = scroller.current;
    if (frame === null) return undefined;
    const look = (): void => {
      const now = sightOf(frame);
      setSight((before) => (before.first === now.first && before.count === now.count ? before : now));
    };
    const resized = new ResizeObserver(look);
    resized.observe(frame);
    frame.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      frame.removeEventListener("scroll", look);
    };
  }, [rows === 0]);
  // A list that became shorter is seen from where it ends now.
  const first = Math.max(0, Math.min(sight.first, rows - sight.count) - OVERSCAN);
  const end = Math.min(rows, Math.max(sight.first, first) + sight.count + OVERSCAN);
  return {
    indexes: Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at),
    above: first * ROW_HEIGHT,
    below: Math.max(0, rows - end) * ROW_HEIGHT,
    scrollTo: (index) => {
      const frame = scroller.current;
      if (frame === null) return;
      const top = index * ROW_HEIGHT;
      if (top < frame.scrollTop) frame.scrollTop = top;
      else if (top + ROW_HEIGHT > frame.scrollTop + frame.clientHeight)
        frame.scrollTop = top + ROW_HEIGHT - frame.clientHeight;
    },
  };
}
