/**
 * Renders only the visible rows of a long list. All rows have the same height, so a division finds the visible range.
 * The height is the custom property `--row` of the frame, so that a style sheet can make rows higher on a narrow page.
 *
 * No library is used, because a library would take 9 of the 120 kB that the page may have, only to support rows of
 * different heights.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The height of a row before it is known, in px. */
const ROW_HEIGHT = 36;
/**
 * The number of rows that are rendered above and below the visible ones. With them, no empty space appears while the
 * user scrolls.
 */
const OVERSCAN = 12;
/**
 * The index of the first rendered row is a multiple of this number. So most scrolls by one row do not render the list
 * again.
 */
const STEP = 4;
/** The number of rows that are rendered before the height of the frame is known. */
const FIRST_COUNT = 30;

export interface VirtualRows {
  /** The indexes of the rows to render. */
  readonly indexes: readonly number[];
  /** The height of the empty space above and below the rendered rows, in px. */
  readonly above: number;
  readonly below: number;
  /** Scrolls until a row is visible. */
  readonly scrollTo: (index: number) => void;
}

/** The visible rows. The index of the first one is rounded down to a multiple of STEP. The height of a row is in px. */
interface Sight {
  readonly first: number;
  readonly count: number;
  readonly height: number;
}

/** Returns the height of the rows in a frame, in px. */
export function rowHeightOf(frame: HTMLElement): number {
  return Number.parseFloat(getComputedStyle(frame).getPropertyValue("--row")) || ROW_HEIGHT;
}

function sightOf(frame: HTMLElement): Sight {
  const height = rowHeightOf(frame);
  const first = Math.floor(frame.scrollTop / height / STEP) * STEP;
  return { first, count: Math.ceil(frame.clientHeight / height) + STEP, height };
}

/**
 * Returns the rows to render.
 * @param rows the number of all rows
 * @param scroller the element that scrolls
 */
export function useVirtualRows(rows: number, scroller: RefObject<HTMLElement | null>): VirtualRows {
  const [sight, setSight] = useState<Sight>({ first: 0, count: FIRST_COUNT, height: ROW_HEIGHT });
  useLayoutEffect(() => {
    const frame = scroller.current;
    if (frame === null) return undefined;
    const look = (): void => {
      const now = sightOf(frame);
      setSight((before) =>
        before.first === now.first && before.count === now.count && before.height === now.height ? before : now,
      );
    };
    const resized = new ResizeObserver(look);
    resized.observe(frame);
    frame.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      frame.removeEventListener("scroll", look);
    };
  }, [rows === 0]);
  // If the list is now shorter than the scroll position, the last rows are rendered.
  const first = Math.max(0, Math.min(sight.first, rows - sight.count) - OVERSCAN);
  const end = Math.min(rows, Math.max(sight.first, first) + sight.count + OVERSCAN);
  return {
    indexes: Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at),
    above: first * sight.height,
    below: Math.max(0, rows - end) * sight.height,
    scrollTo: (index) => {
      const frame = scroller.current;
      if (frame === null) return;
      const { height } = sight;
      const top = index * height;
      if (top < frame.scrollTop) frame.scrollTop = top;
      else if (top + height > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + height - frame.clientHeight;
    },
  };
}
