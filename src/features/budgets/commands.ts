/** Declares the writer methods of budgets. Runs in the writer thread. */
import * as Type from "typebox";
import { Budget, BudgetIdRequest, ResetBudgetsReply, SetBudgetRequest } from "../../../schemas/budgets.js";
import { JsonText } from "../../../schemas/json-text.js";
import { Failure } from "../../base/result.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changesByModel } from "../../platform/threads/changes.js";
import { noDetail, resourceId, writerMethod } from "../../platform/threads/writer-method.js";
import { showBudget } from "./budget.js";
import { budgetRegistry } from "./registry.js";

const common = {
  weight: weightOf,
  changes: [changesByModel("budget"), changesByModel("event")],
  models: { budgets: budgetRegistry },
} as const;

/** Sets a budget, and returns it in the form that clients see. */
export const setBudget = writerMethod({
  ...common,
  name: "budget.set",
  request: SetBudgetRequest,
  reply: JsonText(Budget),
  audit: {
    action: "budget.set",
    resource: resourceId,
    detail: ({ id: _id, ...budget }) => JSON.stringify(budget),
  },
  run: ({ budgets }, request, call) => {
    const row = budgets.set(request, call);
    return row instanceof Failure ? row : JSON.stringify(showBudget(row));
  },
});

export const removeBudget = writerMethod({
  ...common,
  name: "budget.remove",
  request: BudgetIdRequest,
  reply: Type.Null(),
  audit: { action: "budget.remove", resource: resourceId, detail: noDetail },
  run: ({ budgets }, { id }, call) => budgets.remove(id, call),
});

/** Resets the budgets whose period has ended, so that waiting claims continue. */
export const resetBudgets = writerMethod({
  ...common,
  name: "budget.reset",
  request: Type.Object({}),
  reply: ResetBudgetsReply,
  weight: () => 0,
  audit: null,
  inCluster: "leader",
  run: ({ budgets }, _request, call) => ({ ids: budgets.reset(call) }),
});
