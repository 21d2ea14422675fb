/**
 * Parses the range and the grouping that the user has selected. Also prepares the sums of usage for the chart, and
 * computes the shares of groups. Pure.
 */
import { DAY_MS, HOUR_MS } from "../../../shared/duration.js";
import type { Budget, UsageSummary } from "../../api/types.js";
import { timeIn } from "../../base/local-time.js";

export type Totals = UsageSummary["total"];

export const RANGES = ["today", "24h", "7d", "30d", "own"] as const;
export type Range = (typeof RANGES)[number];
export const GROUPS = ["project", "model", "agent"] as const;
export type Group = (typeof GROUPS)[number];
export const MEASURES = ["cost", "tokens", "calls"] as const;
export type Measure = (typeof MEASURES)[number];

/** The user's selection, as it is stored in the address's query. */
export interface UsageChoice {
  readonly range: Range;
  readonly by: Group;
  readonly show: Measure;
  /** The bounds of a custom range, in RFC 3339; "" if the range has no bound on this side. */
  readonly from: string;
  readonly to: string;
}

/**
 * The maximum length of a range that is summed by hour. A longer range is summed by day, because its hourly bars could
 * not be distinguished.
 */
const HOURLY_MS_MAX = 3 * DAY_MS;
/**
 * The maximum number of bars. If a range needs more (for example because it has no start), only its last part is shown.
 */
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

/**
 * The parameters of the request to the server. They are the bounds in RFC 3339 ("" if there is no bound), and the
 * interval of the series.
 */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly interval: "hour" | "day";
}

/**
 * Returns the bounds of a range at this moment. The bounds of a named range, such as the last day, move, because the
 * range ends now.
 */
export function askedOf({ range, from, to }: Pick<UsageChoice, "range" | "from" | "to">, nowMs: number): Asked {
  if (range === "own") {
    const beginsMs = from === "" ? 0 : Date.parse(from);
    const endsMs = to === "" ? nowMs : Date.parse(to);
    return { from, to, interval: endsMs - beginsMs <= HOURLY_MS_MAX ? "hour" : "day" };
  }
  const lastsMs = {
    today: nowMs - new Date(nowMs).setHours(0, 0, 0, 0),
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
  };
  const fromMs = nowMs - lastsMs[range];
  return {
    from: new Date(fromMs).toISOString(),
    to: "",
    interval: range === "today" || range === "24h" ? "hour" : "day",
  };
}

/**
 * Returns the time at which each bar starts, in ms since the epoch. There is a bar for every hour or day of the range,
 * even if it has no usage.
 */
export function barTimes({ from, to, interval }: Asked, series: UsageSummary["series"], nowMs: number): number[] {
  const step = interval === "hour" ? HOUR_MS : DAY_MS;
  const first = series?.[0] === undefined ? nowMs : Date.parse(series[0].from);
  const beginsMs = floor(from === "" ? first : Date.parse(from), step);
  const endsMs = floor(to === "" ? nowMs : Math.min(Date.parse(to), nowMs), step);
  const bars = Math.min(BARS_MAX, Math.max(1, (endsMs - beginsMs) / step + 1));
  return Array.from({ length: bars }, (_, at) => endsMs - (bars - 1 - at) * step);
}

function floor(ms: number, step: number): number {
  return Math.floor(ms / step) * step;
}

/**
 * Converts the start times of bars to positions on the axis. The axis shows local time, but a day of usage is a UTC
 * day. So the bar of a day is placed at local midnight of the same date.
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

/** Returns the sums of a group. A group may have any name, even `constructor`, so only own properties are looked up. */
export function totalsOf(groups: UsageSummary["groups"] | undefined, group: string): Totals | undefined {
  return groups !== undefined && Object.hasOwn(groups, group) ? groups[group] : undefined;
}

export interface GroupRow {
  /** The name of the group on the server; "" for calls that belong to none. */
  readonly group: string;
  readonly totals: Totals;
}

/** Returns the groups, largest first. */
export function groupRows(groups: UsageSummary["groups"], show: Measure): GroupRow[] {
  return Object.entries(groups)
    .map(([group, totals]) => ({ group, totals }))
    .sort((a, b) => measured(b.totals, show) - measured(a.totals, show) || a.group.localeCompare(b.group));
}

/** The number of groups that get a colour of their own. The last colour is for the sum of all other groups. */
export const COLOURED_GROUPS = 5;

export interface GroupSeries {
  /** The name of the group; null for the sum of all other groups. */
  readonly group: string | null;
  readonly values: readonly number[];
}

/** Returns the series of the largest groups, followed by the series of the sum of all others. */
export function groupSeries(
  series: UsageSummary["series"],
  times: readonly number[],
  rows: readonly GroupRow[],
  show: Measure,
): GroupSeries[] {
  const byTime = new Map((series ?? []).map(({ from, groups }) => [Date.parse(from), groups] as const));
  const coloured = rows.slice(0, rows.length === COLOURED_GROUPS + 1 ? COLOURED_GROUPS + 1 : COLOURED_GROUPS);
  const apart = coloured.map(({ group }) => ({
    group,
    values: times.map((ms) => measured(totalsOf(byTime.get(ms), group), show)),
  }));
  if (coloured.length === rows.length) return apart;
  const known = new Set(coloured.map(({ group }) => group));
  const others = times.map((ms) =>
    Object.entries(byTime.get(ms) ?? {})
      .filter(([group]) => !known.has(group))
      .reduce((sum, [, totals]) => sum + measured(totals, show), 0),
  );
  return [...apart, { group: null, values: others }];
}

const STATE_ORDER: readonly Budget["state"][] = ["exhausted", "warned", "ok"];

/** Returns the budgets sorted by how much of them is used. Those that are used up, or nearly so, come first. */
export function budgetRows(budgets: readonly Budget[]): Budget[] {
  const rank = ({ state }: Budget): number => STATE_ORDER.indexOf(state);
  return [...budgets].sort((a, b) => rank(a) - rank(b) || b.share - a.share || a.id.localeCompare(b.id));
}
