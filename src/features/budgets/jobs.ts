/** Declares the job that lists budgets. It runs on the front if the list is short, else in the worker pool. */
import * as Type from "typebox";
import { BudgetList } from "../../../schemas/budgets.js";
import { encodeArray, wrapChunks } from "../../base/json-array.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { atTime, showBudget } from "./budget.js";
import { budgetReader } from "./table.js";

/** Writes `{"budgets"}`: all budgets as of a time. */
export const listBudgets = streamJob({
  name: "budget.list",
  request: Type.Object({ now_ms: Type.Integer() }),
  text: BudgetList,
  reply: Type.Null(),
  cost: "bounded",
  models: { budgets: budgetReader },
  *run({ budgets }, { now_ms: nowMs }) {
    const texts = budgets.all().map((row) => JSON.stringify(showBudget(atTime(row, nowMs))));
    yield* wrapChunks('{"budgets":', encodeArray(texts), () => "}");
    return null;
  },
});
