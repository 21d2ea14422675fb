/**
 * The player, with which the user chooses the time. It has a slider, buttons and keys that move from event to event,
 * and it can play the range at a speed.
 */
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { MINUTE_MS } from "../../../shared/duration.js";
import { clockTime, fullTime } from "../../base/format.js";
import { Button } from "../../parts/button.js";
import { Choice } from "../../parts/fields.js";
import type { Range } from "./range.js";
import { nextTime, previousTime, SPEEDS, speedOf } from "./steps.js";

const TICK_MS = 100;
/** The time for which each event is shown if the user prefers reduced motion, in ms. */
const REDUCED_TICK_MS = 1_000;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

interface PlayerProps {
  readonly range: Range;
  /** The chosen time in ms. */
  readonly at: Signal<number>;
  readonly playing: Signal<boolean>;
  /** The times of the events in ms, ascending. */
  readonly times: readonly number[];
  /** The content below the player. The keys of the player work in it, too. */
  readonly children: ComponentChildren;
}

export function Player({ range, at, playing, times, children }: PlayerProps) {
  const { fromMs, toMs } = range;
  const speed = useSignal(speedOf(range));
  const go = (ms: number): void => {
    at.value = Math.min(toMs, Math.max(fromMs, Math.round(ms)));
  };
  const step = (back: boolean): void => go((back ? previousTime : nextTime)(times, at.peek(), range));
  useEffect(() => {
    if (!playing.value) return undefined;
    const reduced = reducedMotion.matches;
    const timer = setInterval(
      () => {
        if (reduced) step(false);
        else go(at.peek() + speed.peek() * TICK_MS);
        if (at.peek() === toMs) playing.value = false;
      },
      reduced ? REDUCED_TICK_MS : TICK_MS,
    );
    return () => clearInterval(timer);
  }, [playing.value, times]);
  const play = (): void => {
    if (!playing.value && at.value === toMs) go(fromMs);
    playing.value = !playing.value;
  };
  const onKey = (event: KeyboardEvent): void => {
    const { key, shiftKey, altKey, ctrlKey, metaKey, target } = event;
    const back = key === "ArrowLeft";
    if (altKey || ctrlKey || metaKey || target instanceof HTMLSelectElement || (!back && key !== "ArrowRight")) return;
    event.preventDefault();
    if (shiftKey) go(at.peek() + (back ? -MINUTE_MS : MINUTE_MS));
    else step(back);
  };
  return (
    <div class="story" onKeyDown={onKey}>
      <div class="fields story-player">
        <div class="buttons">
          <Button label="Previous event" title="←, with Shift a minute" onClick={() => step(true)}>
            ◂
          </Button>
          <Button kind="primary" onClick={play}>
            {playing.value ? "Pause" : "Play"}
          </Button>
          <Button label="Next event" title="→, with Shift a minute" onClick={() => step(false)}>
            ▸
          </Button>
        </div>
        <Choice
          label="Speed"
          value={String(speed.value)}
          choices={SPEEDS.map(([value, words]) => [String(value), words] as const)}
          onChoose={(value) => {
            speed.value = Number(value);
          }}
        />
        <time class="story-now" dateTime={new Date(at.value).toISOString()} title={fullTime(at.value)}>
          {clockTime(at.value, Date.now())}
        </time>
      </div>
      <input
        class="story-slider"
        type="range"
        aria-label="Time"
        aria-valuetext={fullTime(at.value)}
        min={fromMs}
        max={toMs}
        step={1}
        value={at.value}
        onInput={({ currentTarget }) => go(currentTarget.valueAsNumber)}
      />
      {children}
    </div>
  );
}
