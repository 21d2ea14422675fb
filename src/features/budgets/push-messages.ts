/** The push message with the ids of the budgets whose limits or states have changed. The front reads their rows. */
import * as Type from "typebox";
import type { PushMessage } from "../../platform/rpc/method.js";

export const BUDGETS = { name: "budgets", payload: Type.Array(Type.String()) } as const satisfies PushMessage;
