/**
 * Draws the parts of a chart: its axes and series, its cursor, and its legend. parts/chart.tsx has their interaction.
 */
import type { ReadonlySignal } from "@preact/signals";
import { axisTime, fullTime } from "../base/format.js";
import { areaPath, barPath, layersOf, linePath, type Scales, type Values } from "./chart-paths.js";
import { timeMarks, valueMarks } from "./time-marks.js";
import type { Zoom } from "./zoom.js";

export interface Series {
  readonly label: string;
  readonly values: Values;
}

/** The values that a chart draws, and the way in which it draws them. */
export interface ChartData {
  /** The points in time, in seconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Formats a value for the labels of the axis and for the legend. */
  readonly format: (value: number) => string;
  readonly kind?: "line" | "bars";
  /** Whether the values at the same time are stacked. */
  readonly stacked?: boolean;
}

/** The number of colours, which are the custom properties `--chart-1` and so on. */
const COLOURS = 7;
/** The minimum length of a drag, in px. A shorter one is a click. */
export const DRAG_PX_MIN = 8;
/** The space around the plot for the labels of the axes, in px. */
export const SPACE = { top: 8, right: 14, bottom: 26, left: 52 };
/** Half of the width of a label of the time axis, in px. */
const HALF_LABEL = 26;

/** Returns the seconds between two bars. */
export function barStep([first = 0, second = first + 1]: readonly number[]): number {
  return second - first;
}

/** Returns the index of the time that is closest. */
export function nearest(times: readonly number[], timeS: number): number {
  const after = times.findIndex((time) => time >= timeS);
  if (after <= 0) return after < 0 ? times.length - 1 : 0;
  return timeS - (times[after - 1] ?? 0) < (times[after] ?? 0) - timeS ? after - 1 : after;
}

export function formatOrDash(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

interface PlotProps extends ChartData {
  /** The time that is shown. */
  readonly range: Zoom;
  /** The size of the plot without the labels, in px. */
  readonly width: number;
  readonly height: number;
}

/** Draws the axes and the series. The plot itself is an SVG of its own, which cuts what is outside of the range. */
export function Plot({ times, series, format, kind, stacked = false, range, width, height }: PlotProps) {
  const bars = kind === "bars";
  const { fromS, toS } = range;
  // The points next to a zoomed range are drawn, too, so that lines reach its edges.
  const begin = Math.max(0, times.findIndex((timeS) => timeS >= fromS) - 1);
  const after = times.findIndex((timeS) => timeS > toS);
  const end = after < 0 ? times.length : after + 1;
  const shown = series.map(({ values }) => values.slice(begin, end));
  const layers = stacked ? layersOf(shown) : shown.map((upper) => ({ lower: upper.map(() => 0), upper }));
  const highest = Math.max(0, ...layers.flatMap(({ upper }) => upper.map((value) => value ?? 0)));
  const most = highest > 0 ? highest * 1.1 : 1;
  const xOf = (timeS: number): number => ((timeS - fromS) / (toS - fromS)) * width;
  const yOf = (value: number): number => height - (value / most) * height;
  const scales: Scales = { xs: times.slice(begin, end).map(xOf), yOf };
  const stepS = bars ? barStep(times) : 1;
  const marks = timeMarks(range, width, stepS);
  const clamp = (x: number): number => Math.min(SPACE.left + width + SPACE.right - HALF_LABEL, SPACE.left + x);
  return (
    <>
      {valueMarks(most, height).map((value) => {
        const y = SPACE.top + yOf(value);
        return (
          <g key={value}>
            <path class="chart-grid" d={`M${SPACE.left},${y}h${width}`} />
            <text x={SPACE.left - 8} y={y + 4} text-anchor="end">
              {format(value)}
            </text>
          </g>
        );
      })}
      {marks.timesS.map((timeS) => (
        <g key={timeS}>
          <path class="chart-grid" d={`M${SPACE.left + xOf(timeS)},${SPACE.top}v${height}`} />
          <text x={clamp(xOf(timeS))} y={SPACE.top + height + 18} text-anchor="middle">
            {axisTime(timeS, marks.stepS)}
          </text>
        </g>
      ))}
      <svg x={SPACE.left} y={SPACE.top} width={width} height={height}>
        {layers.map((layer, at) => (
          <g key={at} class={bars ? "chart-bars" : "chart-line"} style={colourOf(at)}>
            {bars ? (
              <path class="chart-fill" d={barPath(layer, scales, xOf(fromS + stepS))} />
            ) : (
              <>
                {stacked && <path class="chart-fill" d={areaPath(layer, scales)} />}
                <path class="chart-stroke" d={linePath(layer.upper, scales)} />
              </>
            )}
          </g>
        ))}
      </svg>
    </>
  );
}

const colourOf = (at: number): string => `--colour: var(--chart-${(at % COLOURS) + 1})`;

interface CursorProps extends Pick<PlotProps, "times" | "range" | "width" | "height"> {
  /** The time under the cursor, in seconds since the epoch; null if there is no cursor. */
  readonly cursor: ReadonlySignal<number | null>;
  /** The ends of a drag, in px from the left edge of the plot. */
  readonly drag: ReadonlySignal<readonly [startPx: number, endPx: number] | null>;
}

/** Draws the cursor, and the part over which the user drags. It is redrawn alone when the pointer moves. */
export function Cursor({ cursor, drag, times, range: { fromS, toS }, width, height }: CursorProps) {
  const [start, end] = drag.value ?? [0, 0];
  const timeS = cursor.value === null ? undefined : times[nearest(times, cursor.value)];
  return (
    <svg x={SPACE.left} y={SPACE.top} width={width} height={height}>
      {timeS !== undefined && (
        <path class="chart-cursor" d={`M${((timeS - fromS) / (toS - fromS)) * width},0v${height}`} />
      )}
      {Math.abs(end - start) >= DRAG_PX_MIN && (
        <rect class="chart-drag" x={Math.min(start, end)} width={Math.abs(end - start)} height={height} />
      )}
    </svg>
  );
}

type LegendProps = ChartData & Pick<CursorProps, "cursor">;

/**
 * Shows the colour and the value of each series: at the cursor, or the newest value of a line. Stacked series are
 * listed from the top of the stack. A screen reader reads the values in the label of the chart.
 */
export function Legend({ times, series, format, kind, stacked, cursor }: LegendProps) {
  const at = cursor.value === null ? -1 : nearest(times, cursor.value);
  const isSilent = at < 0 && kind === "bars";
  const keys = series.map(({ label, values }, index) => (
    <li key={label} style={colourOf(index)}>
      <span class="chart-key" /> <strong>{label}</strong> {!isSilent && formatOrDash(values.at(at), format)}
    </li>
  ));
  return (
    <ul class="chart-legend" aria-hidden="true">
      {at >= 0 && <li>{fullTime((times[at] ?? 0) * 1_000)}</li>}
      {stacked === true ? keys.toReversed() : keys}
    </ul>
  );
}
