/** The part of their time that charts show. Pure. */

/** A range of time, in seconds since the epoch. */
export interface Zoom {
  readonly fromS: number;
  readonly toS: number;
}

/** The shortest range that a chart shows, in s: two samples of the server. */
const RANGE_S_MIN = 20;

/** The shortest time that a chart of lines covers without a zoom, in s. A chart of a single point has no other axis. */
export const LINE_SPAN_S_MIN = 60;

/** Returns the time that charts of these samples cover without a zoom; null if there are none. */
export function wholeOf(times: readonly number[]): Zoom | null {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { fromS: Math.min(first, last - LINE_SPAN_S_MIN), toS: last };
}

/** Parses a range from the page's address, `FROM-TO`. Returns null if there is none, or one that is too short. */
export function parseZoom(text = ""): Zoom | null {
  const [, from, to] = /^(\d{1,11})-(\d{1,11})$/.exec(text) ?? [];
  const zoom = { fromS: Number(from), toS: Number(to) };
  return zoom.toS - zoom.fromS >= RANGE_S_MIN ? zoom : null;
}

/** Formats a range for the page's address. "" is no range. */
export function formatZoom(zoom: Zoom | null): string {
  return zoom === null ? "" : `${Math.floor(zoom.fromS)}-${Math.ceil(zoom.toS)}`;
}

/**
 * Returns the range after a change: moved by a part of its length, and longer or shorter by a factor around its middle.
 * It stays within the whole time. Returns null if it is the whole time.
 * @param by the part of its length: -0.5 is half of it earlier
 */
export function changeZoom(zoom: Zoom | null, whole: Zoom, change: { readonly by?: number; readonly factor?: number }) {
  const { fromS, toS } = zoom ?? whole;
  const length = Math.max(RANGE_S_MIN, (toS - fromS) * (change.factor ?? 1));
  if (length >= whole.toS - whole.fromS) return null;
  const middle = (fromS + toS) / 2 + (toS - fromS) * (change.by ?? 0);
  const start = Math.max(whole.fromS, Math.min(whole.toS - length, middle - length / 2));
  return { fromS: start, toS: start + length };
}
