/** The frame of a drawn graph. It scrolls if the graph is larger, except on a narrow page, to which the graph adapts. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useWidth } from "./use-width.js";

/** A graph is drawn for a phone if its frame is narrower than this, in px. */
const NARROW_PX = 640;

interface DrawingProps {
  /** The accessible name. */
  readonly label: string;
  readonly class: string;
  /** Draws the graph. @param narrowPx the width of the frame on a narrow page, otherwise undefined */
  readonly children: (narrowPx: number | undefined) => ComponentChildren;
}

export function Drawing({ label, class: name, children }: DrawingProps) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const isNarrow = width < NARROW_PX;
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
