/** Resets the counters of calls. Runs in the writer, for its audit row: nothing else of it is durable. */
import * as Type from "typebox";
import { noDetail, writerMethod } from "../threads/writer-method.js";

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
