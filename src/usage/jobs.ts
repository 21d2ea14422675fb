/** Reads of LLM usage. Run in the pool, a short list on the front. */
import { Type } from "typebox";
import { JsonText } from "../../schemas/json-text.js";
import { UsageList, UsageListRequest, UsageSummary, UsageSummaryRequest } from "../../schemas/usage.js";
import { encodeArray } from "../base/json-array.js";
import { TIME_MS_MAX, TIME_MS_MIN, formatTime } from "../base/time.js";
import { DATABASE } from "../threads/model.js";
import { streamJob, unaryJob } from "../threads/pool-method.js";
import { encodeUsage } from "./encode.js";
import { listRows, sumUsage } from "./table.js";
import { encodeTotals } from "./totals.js";

export const listUsage = streamJob({
  name: "usage.list",
  request: UsageListRequest,
  text: UsageList,
  reply: Type.Null(),
  cost: "bounded",
  models: { db: DATABASE },
  *run({ db }, request) {
    yield* encodeArray(listRows(db, request).map(encodeUsage));
    return null;
  },
});

/** Made as text: a group may be named `__proto__`, and sums of tokens keep all their digits. */
export const summarizeUsage = unaryJob({
  name: "usage.summary",
  request: UsageSummaryRequest,
  reply: JsonText(UsageSummary),
  cost: "bounded",
  models: { db: DATABASE },
  run: ({ db }, { group_by, from, to }) => {
    const { groups, total } = sumUsage(db, group_by, from, to);
    const members = groups.map(([name, totals]) => `${JSON.stringify(name)}:${encodeTotals(totals)}`);
    return (
      `{"group_by":"${group_by}","from":${encodeBound(from)},"to":${encodeBound(to)}` +
      `,"groups":{${members.join(",")}},"total":${encodeTotals(total)}}`
    );
  },
});

/** An offset from UTC can move a time out of the years that four digits can say. */
function encodeBound(ms: number | null): string {
  return ms === null ? '""' : `"${formatTime(Math.max(TIME_MS_MIN, Math.min(TIME_MS_MAX, ms)))}"`;
}
