/**
 * Charts of values over time, as lines, stacked areas or bars. The accessible label contains the newest figures as
 * text. The user sees the values at a point with the pointer or the arrow keys, selects a part of the time by dragging,
 * and opens a point with a click or Enter.
 *
 * No library is used, because the smallest one that fits would take 21 of the 120 kB that the page may have.
 */
import { type Signal, signal, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { fullTime } from "../base/format.js";
import {
  barStep,
  type ChartData,
  Cursor,
  DRAG_PX_MIN,
  formatOrDash,
  Legend,
  nearest,
  Plot,
  type Series,
  SPACE,
} from "./chart-plot.js";
import { useWidth } from "./use-width.js";
import { LINE_SPAN_S_MIN, minutesOf, type Zoom } from "./zoom.js";

interface ChartProps extends ChartData {
  readonly label: string;
  readonly height?: number;
  /**
   * The name of a group of charts, which share a cursor. If the user points at a time in one chart, all charts of the
   * group show their values at that time.
   */
  readonly together?: string;
  /** The part of the time that is shown; null for all of it. */
  readonly zoom?: Zoom | null;
  /** Called with the selected part when the user has dragged over the chart. */
  readonly onZoom?: (zoom: Zoom) => void;
  /** Called with the minutes of a point when the user opens it. `opens` names the page that this shows. */
  readonly onOpen?: (minutes: Zoom) => void;
  readonly opens?: string;
}

const HEIGHT = 180;

/** The time under the cursor of each group of charts, in seconds since the epoch; null if there is no cursor. */
const cursors = new Map<string, Signal<number | null>>();

function cursorOfGroup(name: string): Signal<number | null> {
  const known = cursors.get(name) ?? signal<number | null>(null);
  cursors.set(name, known);
  return known;
}

/** Returns the range of the time axis. The first and the last bar are completely visible. */
function rangeOf(times: readonly number[], kind: "line" | "bars", zoom: Zoom | null): Zoom {
  if (zoom !== null) return zoom;
  const [first = 0, last = first] = [times[0], times.at(-1)];
  const half = kind === "bars" ? barStep(times) / 2 : 0;
  return { fromS: Math.min(first, last - (half === 0 ? LINE_SPAN_S_MIN : 0)) - half, toS: last + half };
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

export function Chart(props: ChartProps) {
  const { label, times, series, format, kind = "line", height = HEIGHT, together, zoom = null, onOpen, opens } = props;
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const own = useSignal<number | null>(null);
  const cursor = together === undefined ? own : cursorOfGroup(together);
  /** The ends of a drag, in px from the left edge of the plot. */
  const drag = useSignal<readonly [startPx: number, endPx: number] | null>(null);
  /** The index of the point that the cursor showed when the pointer went down. */
  const before = useRef(-1);
  const empty = series.every(({ values }) => values.every((value) => value === null));
  const range = rangeOf(times, kind, zoom);
  const plotPx = Math.max(1, width - SPACE.left - SPACE.right);

  const at = (): number => (cursor.value === null ? -1 : nearest(times, cursor.value));
  const moveTo = (index: number): void => {
    const seen = times.flatMap((timeS, one) => (timeS >= range.fromS && timeS <= range.toS ? [one] : []));
    cursor.value = times[Math.max(seen[0] ?? 0, Math.min(seen.at(-1) ?? 0, index))] ?? null;
  };
  const open = (): void => {
    const index = at();
    const timeS = times[index];
    if (timeS === undefined) return;
    cursor.value = null;
    onOpen?.(minutesOf(times[index - 1] ?? timeS, timeS));
  };
  const pxOf = (event: PointerEvent): number => {
    const left = place.current?.getBoundingClientRect().left ?? 0;
    return Math.max(0, Math.min(plotPx, event.clientX - left - SPACE.left));
  };
  const timeAt = (px: number): number => range.fromS + (px / plotPx) * (range.toS - range.fromS);
  const onKey = (event: KeyboardEvent): void => {
    const now = at();
    const to = new Map([
      ["ArrowLeft", now < 0 ? times.length : now - 1],
      ["ArrowRight", now < 0 ? times.length : now + 1],
      ["Home", 0],
      ["End", times.length],
    ]).get(event.key);
    if (to !== undefined) moveTo(to);
    else if (event.key === "Enter" && now >= 0) open();
    else if (event.key === "Escape" && now >= 0) cursor.value = null;
    else return;
    event.preventDefault();
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const px = pxOf(event);
    before.current = at();
    place.current?.setPointerCapture(event.pointerId);
    drag.value = [px, px];
    moveTo(nearest(times, timeAt(px)));
  };
  const onMove = (event: PointerEvent): void => {
    const px = pxOf(event);
    // A chart that cannot be zoomed shows no selection.
    if (drag.value !== null && props.onZoom !== undefined) drag.value = [drag.value[0], px];
    moveTo(nearest(times, timeAt(px)));
  };
  const onUp = ({ pointerType }: PointerEvent): void => {
    const [from, to] = (drag.value ?? [0, 0]).toSorted((a, b) => a - b) as [number, number];
    if (drag.value === null) return;
    drag.value = null;
    if (to - from >= DRAG_PX_MIN) props.onZoom?.({ fromS: timeAt(from), toS: timeAt(to) });
    // A finger cannot point without touching. So its first touch shows the values, and the next one opens the point.
    else if (pointerType === "mouse" || before.current === at()) open();
  };
  const leave = (): void => {
    drag.value = null;
    cursor.value = null;
  };
  const name = `${label}. ${describe(series, format)}`;
  // The plot is not rendered again when only the cursor moves. The props are then the same object.
  const plot = useMemo(
    () => <Plot {...props} kind={kind} range={range} width={plotPx} height={height - SPACE.top - SPACE.bottom} />,
    [props, plotPx],
  );
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div
        ref={place}
        class={onOpen === undefined ? "chart-place" : "chart-place chart-opens"}
        style={{ minHeight: `${height}px` }}
        {...(onOpen === undefined || empty
          ? { role: "img", "aria-label": name }
          : {
              role: "slider",
              tabIndex: 0,
              "aria-label": `${name}. Enter opens ${opens ?? "it"}.`,
              "aria-valuemin": 0,
              "aria-valuemax": times.length - 1,
              "aria-valuenow": at() < 0 ? times.length - 1 : at(),
              "aria-valuetext": wordsAt(props, at()),
              title: `Click: ${opens ?? ""}`,
              onKeyDown: onKey,
              onBlur: leave,
            })}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={leave}
        onPointerLeave={({ pointerType }) => {
          if (pointerType === "mouse" && drag.value === null) leave();
        }}
      >
        {empty ? (
          <p class="chart-empty">No data yet</p>
        ) : (
          width > 0 && (
            <svg width={width} height={height} aria-hidden="true">
              {plot}
              <Cursor
                cursor={cursor}
                drag={drag}
                times={times}
                range={range}
                width={plotPx}
                height={height - SPACE.top - SPACE.bottom}
              />
            </svg>
          )
        )}
      </div>
      {!empty && <Legend {...props} cursor={cursor} />}
    </figure>
  );
}

/** Returns the time and the values of a point as text; those of the newest point if there is none. */
function wordsAt({ times, series, format }: ChartProps, at: number): string {
  const values = series.map(({ label, values: all }) => `${label}: ${formatOrDash(all.at(at), format)}`);
  return [fullTime((times.at(at) ?? 0) * 1_000), ...values].join(", ");
}
