/**
 * The writer method that resets the counters of calls. The counters exist only in memory. The call goes through the
 * writer only so that an audit row is written.
 */
import * as Type from "typebox";
import { noDetail, writerMethod } from "../../platform/threads/writer-method.js";

export const resetMetrics = writerMethod({
  name: "metrics.reset",
  request: Type.Object({}),
  reply: Type.Null(),
  weight: () => 0,
  audit: { action: "metrics.reset", resource: () => "", detail: noDetail },
  changes: [],
  models: {},
  run: () => null,
});
