/** Reads of LLM usage. Run in the pool, a short list on the front. */
import type { UsageListRequest, UsageSummaryRequest } from "../../schemas/usage.js";
import { encodeArray } from "../base/json-array.js";
import { TIME_MS_MAX, TIME_MS_MIN, formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";
import { encodeUsage } from "./encode.js";
import { listUsage, sumUsage } from "./table.js";
import { encodeTotals } from "./totals.js";

export function listUsageRows(context: ReadContext, request: UsageListRequest): Iterable<string> {
  return encodeArray(listUsage(context.db, request).map(encodeUsage));
}

/** Made as text: a group may be named `__proto__`, and sums of tokens keep all their digits. */
export function summarizeUsage(context: ReadContext, { group_by, from, to }: UsageSummaryRequest): string {
  const { groups, total } = sumUsage(context.db, group_by, from, to);
  const members = groups.map(([name, totals]) => `${JSON.stringify(name)}:${encodeTotals(totals)}`);
  // An offset from UTC can move a time out of the years that four digits can say.
  const time = (ms: number | null): string =>
    ms === null ? '""' : `"${formatTime(Math.max(TIME_MS_MIN, Math.min(TIME_MS_MAX, ms)))}"`;
  return `{"group_by":"${group_by}","from":${time(from)},"to":${time(to)},"groups":{${members.join(",")}},"total":${encodeTotals(total)}}`;
}
