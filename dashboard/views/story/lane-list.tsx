/** Draws the lanes of the agents over the range. The user chooses the time with a press or by dragging on a lane. */
import type { ReadonlySignal, Signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { axisTime, clockTime, duration, plural } from "../../base/format.js";
import { Agent } from "../../parts/agent.js";
import { Button } from "../../parts/button.js";
import { totalMs, type Bar, type BarKind, type Lane, type Mark } from "./lanes.js";
import { percentOf, ticksOf, type Range } from "./range.js";

const LANES_MAX = 20;
/**
 * The top and the height of each kind of bar in a lane, in px. So a user can tell the kinds apart without the colour.
 */
const ROWS: Readonly<Record<BarKind, readonly [top: number, height: number]>> = {
  working: [2, 7],
  held: [11, 7],
  waiting: [20, 4],
};
const WORDS: Readonly<Record<BarKind | Mark["kind"], string>> = {
  working: "works on a task",
  held: "holds a lease",
  waiting: "waits for a lease",
  lost: "lost, denied or failed",
  message: "got a message",
};

interface LaneListProps {
  readonly lanes: readonly Lane[];
  readonly range: Range;
  readonly at: Signal<number>;
  /** The time before which the lanes are not complete, in ms. */
  readonly sinceMs: number;
}

export function LaneList({ lanes, range, at, sinceMs }: LaneListProps) {
  const [all, setAll] = useState(false);
  const shown = all ? lanes : lanes.slice(0, LANES_MAX);
  return (
    <div class="card story-lanes">
      <ul class="story-legend">
        {Object.entries(WORDS).map(([kind, words]) => (
          <li key={kind} class={`story-${kind}`}>
            {words}
          </li>
        ))}
      </ul>
      <ul aria-label="Lanes">
        {shown.map((lane) => (
          <LaneRow key={lane.id} lane={lane} range={range} at={at} sinceMs={sinceMs} />
        ))}
      </ul>
      <Axis range={range} />
      {lanes.length > shown.length && (
        <Button kind="quiet" onClick={() => setAll(true)}>
          {`Show ${plural(lanes.length - shown.length, "more agent")}`}
        </Button>
      )}
    </div>
  );
}

function LaneRow({ lane, range, at, sinceMs }: Omit<LaneListProps, "lanes"> & { readonly lane: Lane }) {
  const { id, name, bars, marks } = lane;
  const drawn = useMemo(
    () => (
      <>
        <rect class="story-unknown" width={`${Math.max(0, percentOf(sinceMs, range))}%`} height="100%" />
        {bars.map((bar) => (
          <BarShape key={`${bar.kind} ${bar.fromMs} ${bar.what}`} bar={bar} range={range} />
        ))}
        {marks.map((mark) => (
          <MarkShape key={`${mark.kind} ${mark.atMs} ${mark.what}`} mark={mark} range={range} />
        ))}
      </>
    ),
    [lane, range, sinceMs],
  );
  const choose = ({ currentTarget, clientX }: { readonly currentTarget: Element; readonly clientX: number }): void => {
    const { left, width } = currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    at.value = Math.round(range.fromMs + share * (range.toMs - range.fromMs));
  };
  const total = (kind: BarKind): string => duration(totalMs(bars, kind, range));
  const lost = marks.filter(({ kind }) => kind === "lost").length;
  return (
    <li class="story-lane">
      <span class="story-name">
        <Agent id={id} {...(name === "" ? {} : { name })} />
      </span>
      <svg
        class="story-track"
        role="img"
        aria-label={
          `worked ${total("working")}, held ${total("held")}, waited ${total("waiting")}, ` +
          `${plural(lost, "loss", "losses")}, ${plural(marks.length - lost, "message")}`
        }
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          choose(event);
        }}
        onPointerMove={(event) => {
          if (event.buttons > 0) choose(event);
        }}
      >
        {drawn}
        <Cursor at={at} range={range} />
      </svg>
    </li>
  );
}

/** Shows the chosen time in a lane. When the time changes, only this component is rendered again. */
function Cursor({ at, range }: { readonly at: ReadonlySignal<number>; readonly range: Range }) {
  const x = `${percentOf(at.value, range)}%`;
  return <line class="story-cursor" x1={x} x2={x} y1="0" y2="100%" />;
}

function BarShape({ bar: { kind, fromMs, toMs, what }, range }: { readonly bar: Bar; readonly range: Range }) {
  const start = Math.max(0, percentOf(fromMs, range));
  const [y, height] = ROWS[kind];
  return (
    <rect
      class={`story-${kind}`}
      x={`${start}%`}
      width={`${Math.max(0.2, percentOf(toMs, range) - start)}%`}
      y={y}
      height={height}
      rx="1"
    >
      <title>{`${kind}: ${what}\n${clockTime(fromMs, range.toMs)} to ${clockTime(toMs, range.toMs)}`}</title>
    </rect>
  );
}

function MarkShape({ mark: { kind, atMs, what }, range }: { readonly mark: Mark; readonly range: Range }) {
  const cx = `${percentOf(atMs, range)}%`;
  const title = <title>{`${what}\n${clockTime(atMs, range.toMs)}`}</title>;
  return kind === "message" ? (
    <circle class="story-message" cx={cx} cy="22" r="3.5">
      {title}
    </circle>
  ) : (
    <rect class="story-lost" x={cx} width="3" height="100%">
      {title}
    </rect>
  );
}

function Axis({ range }: { readonly range: Range }) {
  const { stepMs, ticks } = ticksOf(range);
  return (
    <div class="story-lane" aria-hidden="true">
      <span />
      <svg class="story-axis">
        {ticks.map((at) => (
          <text key={at} x={`${percentOf(at, range)}%`} y="12">
            {axisTime(at / 1_000, stepMs / 1_000)}
          </text>
        ))}
      </svg>
    </div>
  );
}
