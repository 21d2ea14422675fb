/**
 * Charts of values over time, as lines or bars, which uPlot draws. The accessible label contains the same figures as
 * text.
 */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { axisTime, fullTime } from "../base/format.js";
import { dark } from "../base/theme.js";
import { whenIdle } from "../base/idle.js";
import { lazy } from "./lazy.js";
import { labelSpace, TIME_STEPS_S } from "./time-marks.js";
import { LINE_SPAN_S_MIN, type Zoom } from "./zoom.js";

const LIBRARY = lazy(async () => (await import("uplot")).default);

export interface Series {
  readonly label: string;
  /** The values of the series, one for each point in time; null if there is no value. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** The points in time, in seconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Formats a value for the labels of the axis and for the legend. */
  readonly format: (value: number) => string;
  readonly kind?: "line" | "bars";
  /** Whether the values at the same time are stacked. */
  readonly stacked?: boolean;
  readonly height?: number;
  /**
   * The name of a group of charts, which share a cursor. If the user points at a time in one chart, all charts of the
   * group show their values at that time.
   */
  readonly together?: string;
  /** The part of the time that is shown; null for all of it. */
  readonly zoom?: Zoom | null;
  /**
   * Called with the selected part when the user has dragged over the chart. Called with null after a double click. If
   * it is absent, the chart ignores both.
   */
  readonly onZoom?: (zoom: Zoom | null) => void;
}

/** The colours of the series, as names of custom properties of CSS. */
const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6", "--chart-7"];
const HEIGHT = 180;
/** The minimum length of a drag, in px. A shorter one is a click. */
const DRAG_PX_MIN = 8;
/**
 * The space around the plot, in px. The labels at the top and on the right extend beyond the plot by half their size.
 */
const PADDING: uPlot.Padding = [8, 24, 0, 0];
/** The minimum distance between two labels of the value axis, in px. */
const VALUE_SPACE = 26;

/**
 * A cache of the themes' colours. It is needed because the browser computes the style of the whole page for each
 * colour.
 */
const computed = new Map<string, string>();

/**
 * Returns the colour of a CSS custom property, for drawing on the canvas. The value depends on the theme, so an element
 * is needed to compute it.
 */
function colourIn(element: HTMLElement, name: string, isDark: boolean): string {
  const key = `${name} ${isDark}`;
  const known = computed.get(key);
  if (known !== undefined) return known;
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  computed.set(key, color);
  return color;
}

/** Returns the seconds between two bars. */
function barStep(plot: uPlot): number {
  const [first = 0, second = first + 1] = plot.data[0];
  return second - first;
}

/** Extends the time axis by half a bar at both ends. So the first and the last bar are completely visible. */
function barRange(plot: uPlot, low: number, high: number): [number, number] {
  const half = barStep(plot) / 2;
  return [low - half, high + half];
}

/**
 * Stacks series: each value becomes the sum of itself and the values of the earlier series. A null value stays null and
 * leaves a gap.
 */
function stack(series: readonly Series[]): (number | null)[][] {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, at) => {
      if (value === null) return null;
      const sum = (sums[at] ?? 0) + value;
      sums[at] = sum;
      return sum;
    }),
  );
}

/**
 * Returns the range of the time axis, which is at least a minute long. Without this minimum, a chart with a single
 * point would have an axis without length.
 */
function lineRange(_plot: uPlot, low: number, high: number): [number, number] {
  return [Math.min(low, high - LINE_SPAN_S_MIN), high];
}

/**
 * Returns whether a mouse event is passed on to the other charts of the group. The other charts follow the cursor, but
 * not the start of a drag.
 */
function isOfCursor(type: string): boolean {
  return type === "mousemove" || type === "mouseleave";
}

function stepsFrom(leastS: number): number[] {
  const steps = TIME_STEPS_S.filter((step) => step >= leastS);
  return steps.length > 0 ? steps : [leastS];
}

/**
 * Returns a pale, opaque version of a colour. Stacked areas overlap, so a transparent colour would show the area behind
 * it.
 */
function faint(colour: string, ground: string): string {
  return `color-mix(in srgb, ${colour} 35%, ${ground})`;
}

export function Chart({
  label,
  times,
  series,
  format,
  kind = "line",
  stacked = false,
  height = HEIGHT,
  together,
  zoom = null,
  onZoom,
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(series);
  shown.current = series;
  const isDark = dark.value;
  const library = LIBRARY.module.value;
  const names = series.map((one) => one.label).join("\n");
  // If there are no data, no chart is drawn, because the library would draw an arbitrary axis.
  const empty = series.every(({ values }) => values.every((value) => value === null));
  const data = [
    [...times],
    ...(stacked ? stack(series) : series.map(({ values }) => [...values])),
  ] as uPlot.AlignedData;
  const newest = useRef(data);
  newest.current = data;
  const shownZoom = useRef(zoom);
  shownZoom.current = zoom;
  const zooming = useRef(onZoom);
  zooming.current = onZoom;
  const canZoom = onZoom !== undefined;
  useEffect(LIBRARY.load, []);
  const draw = (): (() => void) | undefined => {
    const element = place.current;
    if (element === null || library === undefined) return undefined;
    const colour = (name: string): string => colourIn(element, name, isDark);
    const axis: uPlot.Axis = {
      stroke: colour("--muted"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      space: (_plot, index, _low, _high, px) => (index === 0 ? labelSpace(px) : VALUE_SPACE),
    };
    const surface = colour("--surface");
    const drawn = series.map(({ label: name }, at): uPlot.Series => {
      const stroke = colour(COLOURS[at % COLOURS.length] ?? "");
      return {
        label: name,
        stroke,
        width: kind === "bars" ? 0 : 1.5,
        points: { show: false },
        value: (_plot, _value, _series, index) => {
          const values = shown.current[at]?.values ?? [];
          // Without a cursor, the legend of a line chart shows the newest value.
          if (index === null) return kind === "bars" ? "" : formatOrDash(values.at(-1), format);
          return formatOrDash(values[index], format);
        },
        ...(kind === "bars" || stacked ? { fill: kind === "bars" ? stroke : faint(stroke, surface) } : {}),
        ...(kind === "bars" && library.paths.bars !== undefined
          ? { paths: library.paths.bars({ size: [0.7, 60], align: 0 }) }
          : {}),
      };
    });
    const options: uPlot.Options = {
      width: element.clientWidth,
      height,
      padding: PADDING,
      series: [
        { value: (_plot, at) => (at === null ? "" : fullTime(at * 1_000)) },
        ...(stacked ? drawn.toReversed() : drawn),
      ],
      axes: [
        {
          ...axis,
          size: 32,
          values: (_plot, timesS, _axis, _space, stepS) => timesS.map((at) => axisTime(at, stepS)),
          // A bar chart gets labels only at its bars, because there is nothing to label between them.
          incrs: (drawnOn) => stepsFrom(kind === "bars" ? barStep(drawnOn) : 1),
        },
        { ...axis, size: 56, values: (_plot, values) => values.map(format) },
      ],
      scales: {
        x: {
          range: (drawnOn, low, high) => {
            const part = shownZoom.current;
            if (part !== null) return [part.fromS, part.toS];
            return (kind === "bars" ? barRange : lineRange)(drawnOn, low, high);
          },
        },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
      },
      cursor: {
        // A selection does not change the scale of this chart by itself. The page sets the range of all its charts.
        drag: { x: canZoom, y: false, setScale: false, dist: DRAG_PX_MIN },
        ...(together === undefined ? {} : { sync: { key: together, filters: { pub: isOfCursor } } }),
        bind: {
          dblclick: () => () => {
            zooming.current?.(null);
            return null;
          },
        },
      },
      hooks: {
        setSelect: [
          (drawnOn) => {
            const { left, width } = drawnOn.select;
            if (width < DRAG_PX_MIN) return;
            const [fromS, toS] = [drawnOn.posToVal(left, "x"), drawnOn.posToVal(left + width, "x")];
            drawnOn.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            zooming.current?.({ fromS, toS });
          },
        ],
      },
      legend: { live: true },
    };
    const made = new library(options, ordered(newest.current), element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  };
  useEffect(() => {
    if (library === undefined || empty) return undefined;
    let erase: (() => void) | undefined;
    const cancel = whenIdle(() => {
      erase = draw();
    });
    return () => {
      cancel();
      erase?.();
    };
  }, [library, names, isDark, kind, stacked, height, together, empty, canZoom]);
  // Stacked series are drawn in reverse order. So the tallest area is drawn first and does not hide the lower ones.
  const ordered = (columns: uPlot.AlignedData): uPlot.AlignedData =>
    stacked ? ([columns[0], ...columns.slice(1).toReversed()] as uPlot.AlignedData) : columns;
  useEffect(() => {
    plot.current?.setData(ordered(data));
  });
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div
        ref={place}
        class="chart-place"
        style={{ minHeight: `${height}px` }}
        role="img"
        aria-label={`${label}. ${describe(series, format)}`}
      >
        {empty && <p class="chart-empty">No data yet</p>}
      </div>
    </figure>
  );
}

function formatOrDash(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

/** Formats the last value of each series. */
function describe(series: readonly Series[], format: (value: number) => string): string {
  return series
    .map(({ label, values }) => {
      const last = values.findLast((value) => value !== null);
      return `${label}: ${last === undefined || last === null ? "no data yet" : format(last)}`;
    })
    .join(", ");
}

interface SparklineProps {
  readonly values: readonly number[];
  /** The accessible description. */
  readonly label: string;
}

/** A sparkline: one small bar per value. */
export function Sparkline({ values, label }: SparklineProps) {
  const most = Math.max(1, ...values);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${values.length * 4} 20`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      {values.map((value, at) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * 20);
        return (
          <rect key={at} x={at * 4} y={20 - tall} width={3} height={tall} class={value === 0 ? "spark-none" : ""} />
        );
      })}
    </svg>
  );
}
