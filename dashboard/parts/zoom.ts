/** Computes the time range that zoomed charts show. Pure. */

/** A range of time, in seconds since the epoch. */
export interface Zoom {
  readonly fromS: number;
  readonly toS: number;
}

/** The shortest range that a chart can show, in s: the time of two samples of the server. */
const RANGE_S_MIN = 20;

/**
 * The shortest range that a line chart shows without a zoom, in s. A chart of a single point would otherwise have an
 * axis without length.
 */
export const LINE_SPAN_S_MIN = 60;

/**
 * Returns the whole minutes that a sample covers. A sample covers the time since the previous one.
 * @param beforeS the time of the previous sample, in seconds since the epoch
 */
export function minutesOf(beforeS: number, timeS: number): Zoom {
  const minuteOf = (at: number): number => Math.floor(at / 60) * 60;
  return { fromS: minuteOf(beforeS), toS: minuteOf(timeS) + 60 };
}

/** Returns the time range that charts of these samples show without a zoom; null if there are no samples. */
export function wholeOf(times: readonly number[]): Zoom | null {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { fromS: Math.min(first, last - LINE_SPAN_S_MIN), toS: last };
}

/** Parses a range `FROM-TO` from the page's address. Returns null if there is none, or if it is too short. */
export function parseZoom(text = ""): Zoom | null {
  const [, from, to] = /^(\d{1,11})-(\d{1,11})$/.exec(text) ?? [];
  const zoom = { fromS: Number(from), toS: Number(to) };
  return zoom.toS - zoom.fromS >= RANGE_S_MIN ? zoom : null;
}

/** Formats a range for the page's address. "" means that there is no range. */
export function formatZoom(zoom: Zoom | null): string {
  return zoom === null ? "" : `${Math.floor(zoom.fromS)}-${Math.ceil(zoom.toS)}`;
}

/**
 * Moves a range by a part of its length, and scales it around its middle. The result stays within the whole range.
 * Returns null if the result is the whole range.
 * @param by the part of its length by which the range moves: -0.5 moves it to earlier times, by half of its length
 */
export function changeZoom(zoom: Zoom | null, whole: Zoom, change: { readonly by?: number; readonly factor?: number }) {
  const { fromS, toS } = zoom ?? whole;
  const length = Math.max(RANGE_S_MIN, (toS - fromS) * (change.factor ?? 1));
  if (length >= whole.toS - whole.fromS) return null;
  const middle = (fromS + toS) / 2 + (toS - fromS) * (change.by ?? 0);
  const start = Math.max(whole.fromS, Math.min(whole.toS - length, middle - length / 2));
  return { fromS: start, toS: start + length };
}
