/**
 * The frame of a drawn graph. If the graph does not fit a narrow frame, the graph is drawn for the width of the frame.
 * A graph that does not fit a wide frame can be scrolled.
 */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useWidth } from "./use-width.js";

/** A frame is narrow if its width in px is less than this. */
const NARROW_PX = 900;

interface DrawingProps {
  /** The accessible name. */
  readonly label: string;
  readonly class: string;
  /** The width of the graph if its boxes are beside each other, in px. */
  readonly widthPx: number;
  /** Draws the graph. @param narrowPx the width of a narrow frame that the graph does not fit, otherwise undefined */
  readonly children: (narrowPx: number | undefined) => ComponentChildren;
}

export function Drawing({ label, class: name, widthPx, children }: DrawingProps) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const isNarrow = width < NARROW_PX && width < widthPx;
  return (
    <div
      ref={place}
      class={`card drawing ${name}${isNarrow ? " drawing-narrow" : ""}`}
      role="region"
      aria-label={label}
      tabIndex={0}
    >
      {width > 0 && children(isNarrow ? width : undefined)}
    </div>
  );
}
