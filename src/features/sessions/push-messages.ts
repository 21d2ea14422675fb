/**
 * The push message with the ids of changed sessions. Without it, a node of a cluster would not learn of calls that
 * clients made to another node. The node that receives a call learns of the change from the writer's reply.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../../platform/rpc/method.js";

/** The ids of the sessions that a commit has opened, used or ended. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
