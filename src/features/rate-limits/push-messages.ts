/** The push message with the ids of the rate limits that have changed. The front reads their rows. */
import * as Type from "typebox";
import type { PushMessage } from "../../platform/rpc/method.js";

export const RATE_LIMITS = { name: "rate_limits", payload: Type.Array(Type.Integer()) } as const satisfies PushMessage;
