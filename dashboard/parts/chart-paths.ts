/**
 * Computes the SVG paths of a chart's series: lines, areas on top of each other, and bars. A null value is a gap. Pure.
 */

/** The values of a series, one for each point in time; null if there is no value. */
export type Values = readonly (number | null)[];

/** Converts values to positions on the drawing, in px. */
export interface Scales {
  /** The horizontal positions of the points in time. */
  readonly xs: readonly number[];
  readonly yOf: (value: number) => number;
}

/** A series that lies on others: the sums below it, and the sums with it. */
export interface Layer {
  readonly lower: Values;
  readonly upper: Values;
}

/** The part of the distance between two bars that a bar takes, and the maximum width of a bar, in px. */
const BAR_SHARE = 0.7;
const BAR_PX_MAX = 60;

/** Stacks series. Each one lies on the sum of the earlier ones. A null value leaves a gap. */
export function layersOf(series: readonly Values[]): Layer[] {
  let sums: readonly number[] = [];
  return series.map((values) => {
    const below = sums;
    sums = values.map((value, at) => (below[at] ?? 0) + (value ?? 0));
    const above = sums;
    return {
      lower: values.map((value, at) => (value === null ? null : (below[at] ?? 0))),
      upper: values.map((value, at) => (value === null ? null : (above[at] ?? 0))),
    };
  });
}

const round = (px: number): number => Math.round(px * 10) / 10;

/** Returns the runs of indexes between two gaps. */
function runsOf(values: Values): number[][] {
  const runs: number[][] = [];
  for (const [at, value] of values.entries()) {
    if (value === null) continue;
    if (at === 0 || values[at - 1] === null) runs.push([]);
    runs.at(-1)?.push(at);
  }
  return runs;
}

function pointsOf(run: readonly number[], values: Values, { xs, yOf }: Scales): string {
  return run.map((at) => `${round(xs[at] ?? 0)},${round(yOf(values[at] ?? 0))}`).join("L");
}

/** Returns a line through the values. A single value between two gaps is a point. */
export function linePath(values: Values, scales: Scales): string {
  return runsOf(values)
    .map((run) => `M${pointsOf(run, values, scales)}${run.length === 1 ? "h0" : ""}`)
    .join("");
}

/** Returns the area between the two lines of a layer. */
export function areaPath({ lower, upper }: Layer, scales: Scales): string {
  return runsOf(upper)
    .map((run) => `M${pointsOf(run, upper, scales)}L${pointsOf(run.toReversed(), lower, scales)}Z`)
    .join("");
}

/**
 * Returns a bar for each value of a layer.
 * @param stepPx the distance between the middles of two bars
 */
export function barPath({ lower, upper }: Layer, { xs, yOf }: Scales, stepPx: number): string {
  const width = round(Math.min(stepPx * BAR_SHARE, BAR_PX_MAX));
  return runsOf(upper)
    .flat()
    .filter((at) => upper[at] !== lower[at])
    .map((at) => {
      const [top, bottom] = [round(yOf(upper[at] ?? 0)), round(yOf(lower[at] ?? 0))];
      return `M${round((xs[at] ?? 0) - width / 2)},${bottom}V${top}h${width}V${bottom}Z`;
    })
    .join("");
}
