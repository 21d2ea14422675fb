/** Buttons that zoom and move charts along the time axis. They are for the keyboard and for touch screens. */
import { Button } from "./button.js";
import { changeZoom, wholeOf, type Zoom } from "./zoom.js";

interface ZoomButtonsProps {
  /** The samples that the charts show. */
  readonly rows: { readonly times: readonly number[] } | undefined;
  readonly zoom: Zoom | null;
  readonly onZoom: (zoom: Zoom | null) => void;
}

const STEP = 0.5;

export function ZoomButtons({ rows, zoom, onZoom }: ZoomButtonsProps) {
  const whole = wholeOf(rows?.times ?? []);
  if (whole === null) return null;
  return (
    <div class="field-button" role="group" aria-label="Zoom of the charts">
      <Button
        title="Drag over a part of a chart to see only this part"
        onClick={() => onZoom(changeZoom(zoom, whole, { factor: STEP }))}
      >
        Zoom in
      </Button>
      {zoom !== null && (
        <>
          <Button onClick={() => onZoom(changeZoom(zoom, whole, { factor: 1 / STEP }))}>Zoom out</Button>
          <Button onClick={() => onZoom(changeZoom(zoom, whole, { by: -STEP }))}>Earlier</Button>
          <Button onClick={() => onZoom(changeZoom(zoom, whole, { by: STEP }))}>Later</Button>
          <Button onClick={() => onZoom(null)}>Show all</Button>
        </>
      )}
    </div>
  );
}
