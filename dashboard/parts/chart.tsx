/** Series over time as lines or bars, over uPlot; the same figures stand in words for who cannot see them. */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { axisTime, fullTime } from "../base/format.js";
import { dark } from "../base/theme.js";
import { late } from "./late.js";

const LIBRARY = late(async () => (await import("uplot")).default);

export interface Series {
  readonly label: string;
  /** One a point in time; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** Seconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** How a value is said on the axis and in the legend. */
  readonly format: (value: number) => string;
  readonly kind?: "line" | "bars";
  /** Values of one time stand upon each other. */
  readonly stacked?: boolean;
  readonly height?: number;
  /** Charts of one name show their values at the same time when one of them is pointed at. */
  readonly together?: string;
}

const LINE_SPAN_S_MIN = 60;
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** Seconds between two marks of the axis of bars, one of these. */
const BAR_STEPS_S = [
  ...[1, 5, 15, 30, 60, 300, 900, 1_800],
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 3, 7, 14, 28, 60, 120, 365].map((days) => days * DAY_S),
];

/** Colours by name of a custom property, in this order. */
const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"];
const HEIGHT = 180;
/** Around what is drawn, px: the half of a mark stands over at the top and on the right. */
const PADDING: uPlot.Padding = [8, 24, 0, 0];
/** The least between two marks of an axis, px: of times, which stand side by side, and of values. */
const MARKS = [72, 26] as const;

/** A custom property's colour as a canvas takes it: what it says depends on the theme, so an element resolves it. */
function colourIn(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Seconds between two bars. */
function barStep(plot: uPlot): number {
  const [first = 0, second = first + 1] = plot.data[0];
  return second - first;
}

/** From half a bar before the first to half a bar behind the last, so that none is cut. */
function barRange(plot: uPlot, low: number, high: number): [number, number] {
  const half = barStep(plot) / 2;
  return [low - half, high + half];
}

/** Each series upon those before it; where there is none of a time, there is a gap. */
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

/** What has just begun is drawn at the right end of a minute, not as a point spread over the whole width. */
function lineRange(_plot: uPlot, low: number, high: number): [number, number] {
  return [Math.min(low, high - LINE_SPAN_S_MIN), high];
}

function stepsFrom(least_s: number): number[] {
  const steps = BAR_STEPS_S.filter((step) => step >= least_s);
  return steps.length > 0 ? steps : [least_s];
}

/** A weak tone of the colour; nothing shines through it, since stacked areas lie above one another. */
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
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(series);
  shown.current = series;
  const is_dark = dark.value;
  const library = LIBRARY.module.value;
  const names = series.map((one) => one.label).join("\n");
  // Of nothing the library would draw an axis of its own invention.
  const empty = series.every(({ values }) => values.every((value) => value === null));
  const data = [
    [...times],
    ...(stacked ? stack(series) : series.map(({ values }) => [...values])),
  ] as uPlot.AlignedData;
  useEffect(LIBRARY.load, []);
  useEffect(() => {
    const element = place.current;
    if (element === null || library === undefined || empty) return undefined;
    const axis: uPlot.Axis = {
      stroke: colourIn(element, "--muted"),
      grid: { stroke: colourIn(element, "--line"), width: 1 },
      ticks: { show: false },
      space: (_plot, index) => MARKS[index] ?? MARKS[1],
    };
    const surface = colourIn(element, "--surface");
    const drawn = series.map(({ label: name }, at): uPlot.Series => {
      const stroke = colourIn(element, COLOURS[at % COLOURS.length] ?? "");
      return {
        label: name,
        stroke,
        width: kind === "bars" ? 0 : 1.5,
        points: { show: false },
        value: (_plot, _value, _series, index) => {
          const values = shown.current[at]?.values ?? [];
          // Of what goes on, the newest is what is asked for where nobody points.
          if (index === null) return kind === "bars" ? "" : inWord(values.at(-1), format);
          return inWord(values[index], format);
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
          values: (_plot, times_s, _axis, _space, step_s) => times_s.map((at) => axisTime(at, step_s)),
          // Between two bars there is nothing to mark.
          ...(kind === "bars" ? { incrs: (drawn_on) => stepsFrom(barStep(drawn_on)) } : {}),
        },
        { ...axis, size: 56, values: (_plot, values) => values.map(format) },
      ],
      scales: {
        x: { range: kind === "bars" ? barRange : lineRange },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
      },
      cursor: { drag: { x: false, y: false }, ...(together === undefined ? {} : { sync: { key: together } }) },
      legend: { live: true },
    };
    const made = new library(options, ordered(data), element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [library, names, is_dark, kind, stacked, height, together, empty]);
  // Of stacked series the tallest is drawn first, so that none hides another.
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
        aria-label={`${label}. ${inWords(series, format)}`}
      >
        {empty && <p class="chart-empty">Nothing yet</p>}
      </div>
    </figure>
  );
}

function inWord(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

/** The last value of each series. */
function inWords(series: readonly Series[], format: (value: number) => string): string {
  return series
    .map(({ label, values }) => {
      const last = values.findLast((value) => value !== null);
      return `${label}: ${last === undefined || last === null ? "nothing yet" : format(last)}`;
    })
    .join(", ");
}

interface SparklineProps {
  readonly values: readonly number[];
  /** In words what it shows. */
  readonly label: string;
}

/** A small bar for each value, as tall as it is large. */
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
