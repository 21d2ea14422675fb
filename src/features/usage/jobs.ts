/** The jobs that read LLM usage. They run in the pool; a short list runs on the front. */
import { ListEnd } from "../../../schemas/common.js";
import { USAGE_SERIES_SUMS_MAX } from "../../../schemas/limits/usage.js";
import {
  UsageList,
  UsageListRequest,
  UsageSummary,
  UsageSummaryRequest,
  type UsageGroup,
  type UsageInterval,
} from "../../../schemas/usage.js";
import { cursor, encodeList, wrapChunks } from "../../base/json-array.js";
import { Failure } from "../../base/result.js";
import { TIME_MS_MAX, TIME_MS_MIN, formatTime } from "../../base/time.js";
import type { Db } from "../../platform/store/open.js";
import { DATABASE } from "../../platform/threads/model.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { encodeUsage } from "./encode.js";
import { encodeSeries } from "./series.js";
import { listRows, sumAll, sumGroups, sumSeries } from "./table.js";
import { encodeGroupList, encodeTotals } from "./totals.js";

export const listUsage = streamJob({
  name: "usage.list",
  request: UsageListRequest,
  text: UsageList,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE },
  *run({ db }, request) {
    return yield* encodeList(listRows(db, request), {
      encode: encodeUsage,
      cursorOf: ({ id }) => cursor("before", id),
      limit: request.limit,
    });
  },
});

/**
 * Writes `{"group_by","from","to","groups","total"}`. If the request names an interval, the answer also has
 * `"interval"` and `"series"`. The list of groups ends before it exceeds LIST_BYTES_MAX, but the totals and the series
 * include all groups.
 */
export const summarizeUsage = streamJob({
  name: "usage.summary",
  request: UsageSummaryRequest,
  text: UsageSummary,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE },
  *run({ db }, { group_by, from, to, after, interval }) {
    const series = interval === null ? "" : readSeries(db, group_by, interval, from, to);
    if (series instanceof Failure) return series;
    const total = encodeTotals(sumAll(db, from, to));
    return yield* wrapChunks(
      `{"group_by":"${group_by}","from":${encodeBound(from)},"to":${encodeBound(to)},"groups":`,
      encodeGroupList(sumGroups(db, { group_by, from, to, after })),
      () => `,"total":${total}${series}}`,
    );
  },
});

/** Returns the members of the answer that depend on the interval. Returns an error if the series would be too long. */
function readSeries(
  db: Db,
  groupBy: UsageGroup,
  interval: UsageInterval,
  from: number | null,
  to: number | null,
): string | Failure {
  const series = encodeSeries(sumSeries(db, groupBy, interval, from, to, USAGE_SERIES_SUMS_MAX + 1), interval);
  return series instanceof Failure ? series : `,"interval":"${interval}","series":${series}`;
}

/**
 * Encodes a bound of the time range. A client may send a time with an offset, whose year in UTC is -1 or 10000. So the
 * bound is limited to years with four digits.
 */
function encodeBound(ms: number | null): string {
  return ms === null ? '""' : `"${formatTime(Math.max(TIME_MS_MIN, Math.min(TIME_MS_MAX, ms)))}"`;
}
