/**
 * A histogram: how many things happened in each bucket of a time range. The user chooses buckets with a click, by
 * dragging, or with the keyboard. An arrow key moves the selection, Shift with an arrow key extends it, and Enter
 * chooses it.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { axisTime, count, fullTime } from "../base/format.js";

export interface HistogramSeries {
  /** The plural noun for what is counted, as in "12 refused". */
  readonly label: string;
  readonly tone: "note" | "bad";
  /** The counts, one for each bucket. */
  readonly values: readonly number[];
}

interface HistogramProps {
  /** The accessible name: the things that are counted. */
  readonly label: string;
  /** The start of the first bucket, in ms since the epoch. */
  readonly fromMs: number;
  readonly stepMs: number;
  /** The series. They are stacked in each bucket, the first one at the bottom. */
  readonly series: readonly HistogramSeries[];
  /** A hint that says what choosing a bucket does. */
  readonly hint: string;
  /** Called with the start of the first chosen bucket, and with the last ms of the last chosen bucket. */
  readonly onChoose: (fromMs: number, toMs: number) => void;
}

/** The chosen buckets, from the one where the user began to the one where the user is now. */
interface Choice {
  readonly anchor: number;
  readonly at: number;
}

const AXIS_LABELS = 3;

export function Histogram({ label, fromMs, stepMs, series, hint, onChoose }: HistogramProps) {
  const bars = useRef<HTMLDivElement>(null);
  const choice = useSignal<Choice | null>(null);
  const dragging = useSignal(false);
  const length = series[0]?.values.length ?? 0;
  const sums = Array.from({ length }, (_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const most = Math.max(1, ...sums);
  const total = sums.reduce((all, one) => all + one, 0);
  const startOf = (at: number): number => fromMs + at * stepMs;
  const first = choice.value === null ? 0 : Math.min(choice.value.anchor, choice.value.at);
  const last = choice.value === null ? length - 1 : Math.max(choice.value.anchor, choice.value.at);
  /** Returns a text with the counts of some buckets. */
  const wordsOf = (from: number, to: number): string =>
    series
      .map((one) => `${count(one.values.slice(from, to + 1).reduce((all, value) => all + value, 0))} ${one.label}`)
      .join(", ");
  const rangeWords = `${fullTime(startOf(first))} to ${fullTime(startOf(last + 1))}: ${wordsOf(first, last)}`;
  const choose = (): void => {
    if (choice.value === null) return;
    choice.value = null;
    onChoose(startOf(first), startOf(last + 1) - 1);
  };
  const bucketAt = (event: PointerEvent): number => {
    const { left = 0, width = 1 } = bars.current?.getBoundingClientRect() ?? {};
    return Math.max(0, Math.min(length - 1, Math.floor(((event.clientX - left) / Math.max(1, width)) * length)));
  };
  const onKey = (event: KeyboardEvent): void => {
    const at = choice.value?.at ?? length;
    const to = new Map([
      ["ArrowLeft", at - 1],
      ["ArrowRight", at + 1],
      ["Home", 0],
      ["End", length - 1],
    ]).get(event.key);
    if (to !== undefined) {
      const next = Math.max(0, Math.min(length - 1, to));
      choice.value = { anchor: event.shiftKey ? (choice.value?.anchor ?? next) : next, at: next };
    } else if (event.key === "Enter") choose();
    else if (event.key === "Escape" && choice.value !== null) choice.value = null;
    else return;
    event.preventDefault();
  };
  return (
    <figure class="chart histogram">
      <figcaption>
        {label} <span class="histogram-range">{rangeWords}</span>
      </figcaption>
      <div
        ref={bars}
        class="histogram-bars"
        role="slider"
        tabIndex={0}
        aria-label={`${label}. ${hint}`}
        aria-valuemin={0}
        aria-valuemax={length - 1}
        aria-valuenow={choice.value?.at ?? length - 1}
        aria-valuetext={rangeWords}
        title={hint}
        onKeyDown={onKey}
        onBlur={() => {
          choice.value = null;
        }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = bucketAt(event);
          dragging.value = true;
          choice.value = { anchor: at, at };
        }}
        onPointerMove={(event) => {
          const at = bucketAt(event);
          if (dragging.value && choice.value !== null) choice.value = { ...choice.value, at };
          else if (event.pointerType === "mouse") choice.value = { anchor: at, at };
        }}
        onPointerUp={() => {
          if (dragging.value) choose();
          dragging.value = false;
        }}
        onPointerCancel={() => {
          dragging.value = false;
          choice.value = null;
        }}
        onPointerLeave={() => {
          if (!dragging.value) choice.value = null;
        }}
      >
        {sums.map((_, at) => (
          <div
            key={at}
            class={
              choice.value !== null && at >= first && at <= last ? "histogram-bar histogram-chosen" : "histogram-bar"
            }
          >
            {series.map(({ label: name, tone, values }) => {
              const value = values[at] ?? 0;
              return (
                value > 0 && (
                  <div key={name} class={`histogram-${tone}`} style={{ height: `${(value / most) * 100}%` }} />
                )
              );
            })}
          </div>
        ))}
      </div>
      <div class="histogram-axis" aria-hidden="true">
        {total > 0 &&
          Array.from({ length: AXIS_LABELS }, (_, at) => (
            <span key={at}>
              {axisTime(startOf(Math.round((at * length) / (AXIS_LABELS - 1))) / 1_000, stepMs / 1_000)}
            </span>
          ))}
      </div>
    </figure>
  );
}
