/** Which rows of a long list can be seen: only they are drawn. Over the virtualizer of TanStack. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

/** Rows of one height, px. */
export const ROW_HEIGHT = 36;
const OVERSCAN = 8;

export interface VirtualRows {
  /** Indexes of the rows to draw. */
  readonly indexes: readonly number[];
  /** Empty space above and below them, px. */
  readonly above: number;
  readonly below: number;
  readonly scrollTo: (index: number) => void;
}

/**
 * @param rows how many there are
 * @param scroller what is scrolled
 */
export function useVirtualRows(rows: number, scroller: RefObject<HTMLElement | null>): VirtualRows {
  const [, redraw] = useReducer((times: number) => times + 1, 0);
  const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(0),
  };
  const [virtualizer] = useState(() => new Virtualizer(options));
  virtualizer.setOptions(options);
  // oxlint-disable-next-line no-underscore-dangle -- what an adapter of the library has to call is named so
  useLayoutEffect(() => virtualizer._didMount(), []);
  // oxlint-disable-next-line no-underscore-dangle -- as above
  useLayoutEffect(() => virtualizer._willUpdate());
  const items = virtualizer.getVirtualItems();
  return {
    indexes: items.map(({ index }) => index),
    above: items[0]?.start ?? 0,
    below: virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0),
    scrollTo: (index) => virtualizer.scrollToIndex(index),
  };
}
