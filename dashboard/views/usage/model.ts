/** The selected range and grouping of usage, and its sums as a chart and as shares. Pure. */
import type { UsageSummary } from "../../api/types.js";
import { timeIn } from "../../base/local-time.js";

export type Totals = UsageSummary["total"];

export const RANGES = ["today", "24h", "7d", "30d", "own"] as const;
export type Range = (typeof RANGES)[number];
export const GROUPS = ["project", "model", "agent"] as const;
export type Group = (typeof GROUPS)[number];
export const MEASURES = ["cost", "tokens", "calls"] as const;
export type Measure = (typeof MEASURES)[number];

/** The selection as the address's query has it. */
export interface UsageChoice {
  readonly range: Range;
  readonly by: Group;
  readonly show: Measure;
  /** RFC 3339, for a custom range; "" if it is open. */
  readonly from: string;
  readonly to: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longer ranges are summed by day, because more bars could not be distinguished. */
const HOURLY_MS_MAX = 3 * DAY_MS;
/** Maximum number of bars. A longer range, above all one without a start, shows its end. */
const BARS_MAX = 400;

export function choiceIn(query: Readonly<Record<string, string>>): UsageChoice {
  return {
    range: RANGES.find((one) => one === query["range"]) ?? "24h",
    by: GROUPS.find((one) => one === query["by"]) ?? "project",
    show: MEASURES.find((one) => one === query["show"]) ?? "cost",
    from: timeIn(query["from"]),
    to: timeIn(query["to"]),
  };
}

/** The server's parameters: RFC 3339 bounds, "" if open, and the interval of the series. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly interval: "hour" | "day";
}

/** Returns the current bounds of the range. A named range ends now and moves. */
export function askedOf({ range, from, to }: Pick<UsageChoice, "range" | "from" | "to">, now_ms: number): Asked {
  if (range === "own") {
    const begins_ms = from === "" ? 0 : Date.parse(from);
    const ends_ms = to === "" ? now_ms : Date.parse(to);
    return { from, to, interval: ends_ms - begins_ms <= HOURLY_MS_MAX ? "hour" : "day" };
  }
  const lasts_ms = {
    today: now_ms - new Date(now_ms).setHours(0, 0, 0, 0),
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
  };
  const from_ms = now_ms - lasts_ms[range];
  return {
    from: new Date(from_ms).toISOString(),
    to: "",
    interval: range === "today" || range === "24h" ? "hour" : "day",
  };
}

/** Returns the start of each bar, ms since the epoch: every hour or day of the range, including those without usage. */
export function barTimes({ from, to, interval }: Asked, series: UsageSummary["series"], now_ms: number): number[] {
  const step = interval === "hour" ? HOUR_MS : DAY_MS;
  const first = series?.[0] === undefined ? now_ms : Date.parse(series[0].from);
  const begins_ms = floor(from === "" ? first : Date.parse(from), step);
  const ends_ms = floor(to === "" ? now_ms : Math.min(Date.parse(to), now_ms), step);
  const bars = Math.min(BARS_MAX, Math.max(1, (ends_ms - begins_ms) / step + 1));
  return Array.from({ length: bars }, (_, at) => ends_ms - (bars - 1 - at) * step);
}

function floor(ms: number, step: number): number {
  return Math.floor(ms / step) * step;
}

/**
 * Converts bar times to the axis. Days are UTC days but the axis is in local time, so a day's bar is placed at the
 * local midnight of its date.
 */
export function barSeconds(times: readonly number[], interval: Asked["interval"]): number[] {
  return times.map((ms) => {
    const at = new Date(ms);
    const shown = interval === "hour" ? at : new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
    return shown.getTime() / 1_000;
  });
}

export function measured(totals: Totals | undefined, show: Measure): number {
  if (totals === undefined) return 0;
  if (show === "calls") return totals.request_count;
  return show === "cost" ? totals.total_cost_usd : totals.total_tokens_in + totals.total_tokens_out;
}

/** Returns the sums of a group. Groups may have any name, even `constructor`. */
export function totalsOf(groups: UsageSummary["groups"] | undefined, group: string): Totals | undefined {
  return groups !== undefined && Object.hasOwn(groups, group) ? groups[group] : undefined;
}

export interface GroupRow {
  /** The server's name of the group; "" for calls without one. */
  readonly group: string;
  readonly totals: Totals;
}

/** Returns the groups, largest first. */
export function groupRows(groups: UsageSummary["groups"], show: Measure): GroupRow[] {
  return Object.entries(groups)
    .map(([group, totals]) => ({ group, totals }))
    .sort((a, b) => measured(b.totals, show) - measured(a.totals, show) || a.group.localeCompare(b.group));
}

/** Number of groups with their own colour; the last colour is for the sum of all others. */
export const COLOURED_GROUPS = 5;

export interface GroupSeries {
  /** Null for the sum of all others. */
  readonly group: string | null;
  readonly values: readonly number[];
}

/** Returns the series of the largest groups, then of the sum of the others. */
export function groupSeries(
  series: UsageSummary["series"],
  times: readonly number[],
  rows: readonly GroupRow[],
  show: Measure,
): GroupSeries[] {
  const by_time = new Map((series ?? []).map(({ from, groups }) => [Date.parse(from), groups] as const));
  const coloured = rows.slice(0, rows.length === COLOURED_GROUPS + 1 ? COLOURED_GROUPS + 1 : COLOURED_GROUPS);
  const apart = coloured.map(({ group }) => ({
    group,
    values: times.map((ms) => measured(totalsOf(by_time.get(ms), group), show)),
  }));
  if (coloured.length === rows.length) return apart;
  const known = new Set(coloured.map(({ group }) => group));
  const others = times.map((ms) =>
    Object.entries(by_time.get(ms) ?? {})
      .filter(([group]) => !known.has(group))
      .reduce((sum, [, totals]) => sum + measured(totals, show), 0),
  );
  return [...apart, { group: null, values: others }];
}
